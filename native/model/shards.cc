#include "model/shards.h"

namespace millrace {

int verify_shards(const ModelConfig& config) {
  int shards = kMaxVerifyShards;
  while (config.num_heads % shards != 0) shards /= 2;
  return shards;
}

Tensor shard_of(Tensor whole, int dim, int index, int count) {
  Tensor part = whole;
  part.shape.dims[static_cast<size_t>(dim)] /= count;
  const size_t bytes = part.size_bytes();
  // A measuring arena's tensors have no data, and neither have their parts.
  if (part.data != nullptr) part.data = static_cast<char*>(whole.data) + bytes * static_cast<size_t>(index);
  return part;
}

}  // namespace millrace
