// All communicators of one run whose ranks are threads of this process: the tensor-parallel groups, the data-parallel
// groups across them, and the world. Index r belongs to rank r.
#ifndef MILLRACE_API_MESH_H_
#define MILLRACE_API_MESH_H_

#include <memory>
#include <vector>

#include "comm/communicator.h"
#include "core/ops.h"
#include "train/place.h"

namespace millrace {

class Mesh {
 public:
  // For ranks that run `ops`, whose devices decide what the communicators are (api/backend.h); before anything else.
  Status create(const OpTable& ops, int tensor_size, int data_size, bool bits_of_the_tree);

  Place place_of(int rank) const;

 private:
  // The group of ranks first, first + stride, ..., as members of `groups`.
  Status join(const OpTable& ops, int first, int stride, int size, bool bits_of_the_tree,
              std::vector<std::unique_ptr<Communicator>>* groups);

  int tensor_size_ = 0;
  int data_size_ = 0;
  std::vector<std::unique_ptr<Communicator>> tensor_, data_, world_;
};

}  // namespace millrace

#endif  // MILLRACE_API_MESH_H_
