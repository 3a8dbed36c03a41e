// All communicators of one run whose ranks are threads of this process: the tensor-parallel groups, the data-parallel
// groups across them, and the world. Index r belongs to rank r.
#ifndef MILLRACE_API_MESH_H_
#define MILLRACE_API_MESH_H_

#include <memory>
#include <vector>

#include "comm/communicator.h"
#include "train/place.h"

namespace millrace {

class Mesh {
 public:
  Mesh(int tensor_size, int data_size);

  Place place_of(int rank) const;

 private:
  int tensor_size_;
  int data_size_;
  std::vector<std::unique_ptr<Communicator>> tensor_, data_, world_;
};

}  // namespace millrace

#endif  // MILLRACE_API_MESH_H_
