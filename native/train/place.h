// A rank's place in the mesh and its ways to the others: tensor-parallel ranks are consecutive, data-parallel ranks lie
// tensor_parallel apart (paper, appendix B.1).
#ifndef MILLRACE_TRAIN_PLACE_H_
#define MILLRACE_TRAIN_PLACE_H_

#include <vector>

#include "comm/communicator.h"

namespace millrace {

struct Place {
  int rank = 0;  // of the world
  int tensor_rank = 0;
  int tensor_size = 1;
  int data_rank = 0;
  int data_size = 1;
  // Borrowed; a group of one may be null.
  Communicator* tensor_group = nullptr;
  Communicator* data_group = nullptr;
  Communicator* world_group = nullptr;
  // Where ranks are processes: by tensor-parallel rank, the way between rank 0, which keeps what a checkpoint is
  // written from, and that rank of the first data-parallel group, for tensors in the machines' memory. Null for others
  // and for rank 0 itself. Empty where ranks are threads.
  std::vector<Communicator*> keepers;

  int world() const { return tensor_size * data_size; }
  // All ways to others that this rank has.
  std::vector<Communicator*> groups() const {
    std::vector<Communicator*> all{tensor_group, data_group, world_group};
    all.insert(all.end(), keepers.begin(), keepers.end());
    std::erase(all, nullptr);
    return all;
  }

  static Place of(int rank, int tensor_size, int data_size) {
    Place place;
    place.rank = rank;
    place.tensor_size = tensor_size;
    place.data_size = data_size;
    place.tensor_rank = rank % tensor_size;
    place.data_rank = rank / tensor_size;
    return place;
  }
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_PLACE_H_
