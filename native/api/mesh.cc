#include "api/mesh.h"

#include <utility>

#include "api/backend.h"
#include "api/processes.h"

namespace millrace {

Status Mesh::create(const OpTable& ops, int tensor_size, int data_size, bool bits_of_the_tree, bool processes) {
  tensor_size_ = tensor_size;
  data_size_ = data_size;
  processes_ = processes;
  const int world = tensor_size * data_size;
  for (auto* groups : {&tensor_, &data_, &world_}) groups->resize(static_cast<size_t>(world));
  for (int d = 0; d < data_size; ++d) {
    MR_RETURN_IF_ERROR(join(ops, d * tensor_size, 1, tensor_size, bits_of_the_tree, &tensor_));
  }
  for (int t = 0; t < tensor_size; ++t) {
    MR_RETURN_IF_ERROR(join(ops, t, tensor_size, data_size, bits_of_the_tree, &data_));
  }
  MR_RETURN_IF_ERROR(join(ops, 0, 1, world, bits_of_the_tree, &world_));
  if (!processes) return ok();
  keepers_.resize(static_cast<size_t>(tensor_size));
  for (int t = 1; t < tensor_size; ++t) {
    MR_RETURN_IF_ERROR(create_host_member({0, t}, &keepers_[static_cast<size_t>(t)]));
  }
  return ok();
}

Status Mesh::join(const OpTable& ops, int first, int stride, int size, bool bits_of_the_tree,
                  std::vector<std::unique_ptr<Communicator>>* groups) {
  std::vector<int> ranks;
  for (int i = 0; i < size; ++i) ranks.push_back(first + i * stride);
  if (processes_) {
    std::unique_ptr<Communicator> own;
    MR_RETURN_IF_ERROR(create_process_member(ops, ranks, bits_of_the_tree, &own));
    if (own == nullptr) return ok();
    const size_t rank = static_cast<size_t>(ranks[static_cast<size_t>(own->rank())]);
    (*groups)[rank] = std::move(own);
    return ok();
  }
  std::vector<std::unique_ptr<Communicator>> members;
  MR_RETURN_IF_ERROR(create_group(ops, ranks, bits_of_the_tree, &members));
  for (size_t i = 0; i < ranks.size(); ++i) (*groups)[static_cast<size_t>(ranks[i])] = std::move(members[i]);
  return ok();
}

Place Mesh::place_of(int rank) const {
  const size_t index = static_cast<size_t>(rank);
  Place place = Place::of(rank, tensor_size_, data_size_);
  place.tensor_group = tensor_[index].get();
  place.data_group = data_[index].get();
  place.world_group = world_[index].get();
  for (const auto& keeper : keepers_) place.keepers.push_back(keeper.get());
  return place;
}

}  // namespace millrace
