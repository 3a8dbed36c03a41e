#include "model/embedding.h"

#include "model/parallel.h"

namespace millrace {

std::vector<VocabRange> vocab_of_shards(const ModelConfig& config, const ShardRange& shards) {
  std::vector<VocabRange> ranges;
  for (int shard = shards.first; shard < shards.first + shards.count; ++shard) {
    ranges.push_back(VocabRange{config.padded_vocab_size / shards.total * shard, config.vocab_size});
  }
  return ranges;
}

Status VocabParallelEmbedding::forward(RankEnv& env, Tensor x, Tensor ids, const DropoutSource& dropout) const {
  env.enter("embedding forward");
  MR_RETURN_IF_ERROR(sum_shards(env, x, env.policy->g.forward, "embedding g forward", [&](int shard, Tensor part) {
    return env.ops->embedding_forward(*env.context, part, ids, tokens->shard(tokens->value, shard),
                                      ranges[static_cast<size_t>(shard)]);
  }));
  env.enter("position forward");
  return env.ops->position_forward(*env.context, x, positions->value, dropout.at(Site::kEmbedding));
}

Status VocabParallelEmbedding::backward(RankEnv& env, Tensor dx, Tensor ids, const DropoutSource& dropout) const {
  env.enter("position backward");
  MR_RETURN_IF_ERROR(env.ops->position_backward(*env.context, dx, positions->gradient, dropout.at(Site::kEmbedding)));
  MR_RETURN_IF_ERROR(env.policy->g.backward(env, dx, "embedding g backward"));
  env.enter("embedding backward");
  return env.for_each_shard([&](int shard) {
    return env.ops->embedding_backward(*env.context, tokens->shard(tokens->gradient, shard), dx, ids,
                                       ranges[static_cast<size_t>(shard)]);
  });
}

}  // namespace millrace
