#include "api/mesh.h"

#include "comm/thread_comm.h"

namespace millrace {

namespace {

size_t index(int i) { return static_cast<size_t>(i); }

}  // namespace

Mesh::Mesh(int tensor_size, int data_size)
    : tensor_size_(tensor_size),
      data_size_(data_size),
      tensor_(index(tensor_size * data_size)),
      data_(index(tensor_size * data_size)),
      world_(create_thread_group(tensor_size * data_size)) {
  for (int d = 0; d < data_size; ++d) {
    auto group = create_thread_group(tensor_size);
    for (int t = 0; t < tensor_size; ++t) tensor_[index(d * tensor_size + t)] = std::move(group[index(t)]);
  }
  for (int t = 0; t < tensor_size; ++t) {
    auto group = create_thread_group(data_size);
    for (int d = 0; d < data_size; ++d) data_[index(d * tensor_size + t)] = std::move(group[index(d)]);
  }
}

Place Mesh::place_of(int rank) const {
  Place place = Place::of(rank, tensor_size_, data_size_);
  place.tensor_group = tensor_[index(rank)].get();
  place.data_group = data_[index(rank)].get();
  place.world_group = world_[index(rank)].get();
  return place;
}

}  // namespace millrace
