#include "api/mesh.h"

#include <utility>

#include "api/backend.h"

namespace millrace {

Status Mesh::create(const OpTable& ops, int tensor_size, int data_size, bool bits_of_the_tree) {
  tensor_size_ = tensor_size;
  data_size_ = data_size;
  const int world = tensor_size * data_size;
  for (auto* groups : {&tensor_, &data_, &world_}) groups->resize(static_cast<size_t>(world));
  for (int d = 0; d < data_size; ++d) {
    MR_RETURN_IF_ERROR(join(ops, d * tensor_size, 1, tensor_size, bits_of_the_tree, &tensor_));
  }
  for (int t = 0; t < tensor_size; ++t) {
    MR_RETURN_IF_ERROR(join(ops, t, tensor_size, data_size, bits_of_the_tree, &data_));
  }
  return join(ops, 0, 1, world, bits_of_the_tree, &world_);
}

Status Mesh::join(const OpTable& ops, int first, int stride, int size, bool bits_of_the_tree,
                  std::vector<std::unique_ptr<Communicator>>* groups) {
  std::vector<int> ranks;
  for (int i = 0; i < size; ++i) ranks.push_back(first + i * stride);
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
  return place;
}

}  // namespace millrace
