// The communicators of those ranks of a run that are in this process: the tensor-parallel groups, the data-parallel
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
  // `processes`: each rank is a process, and one of them is here (api/processes.h); else all are threads of this one.
  Status create(const OpTable& ops, int tensor_size, int data_size, bool bits_of_the_tree, bool processes = false);

  Place place_of(int rank) const;

 private:
  // The group of ranks first, first + stride, ..., as far as they are here, as members of `groups`.
  Status join(const OpTable& ops, int first, int stride, int size, bool bits_of_the_tree,
              std::vector<std::unique_ptr<Communicator>>* groups);

  int tensor_size_ = 0;
  int data_size_ = 0;
  bool processes_ = false;
  std::vector<std::unique_ptr<Communicator>> tensor_, data_, world_;
  std::vector<std::unique_ptr<Communicator>> keepers_;  // by tensor-parallel rank: train/place.h
};

}  // namespace millrace

#endif  // MILLRACE_API_MESH_H_
