#include "model/embedding.h"

#include "model/parallel.h"

namespace millrace {

VocabRange vocab_of_rank(const ModelConfig& config, int rank, int size) {
  return VocabRange{config.padded_vocab_size / size * rank, config.vocab_size};
}

Status VocabParallelEmbedding::forward(RankEnv& env, Tensor x, Tensor ids, const DropoutSource& dropout) const {
  env.enter("embedding forward");
  MR_RETURN_IF_ERROR(env.ops->embedding_forward(*env.context, x, ids, tokens->value, range));
  MR_RETURN_IF_ERROR(env.policy->g.forward(env, x, "embedding g forward"));
  env.enter("position forward");
  return env.ops->position_forward(*env.context, x, positions->value, dropout.at(Site::kEmbedding));
}

Status VocabParallelEmbedding::backward(RankEnv& env, Tensor dx, Tensor ids, const DropoutSource& dropout) const {
  env.enter("position backward");
  MR_RETURN_IF_ERROR(env.ops->position_backward(*env.context, dx, positions->gradient, dropout.at(Site::kEmbedding)));
  MR_RETURN_IF_ERROR(env.policy->g.backward(env, dx, "embedding g backward"));
  env.enter("embedding backward");
  return env.ops->embedding_backward(*env.context, tokens->gradient, dx, ids, range);
}

}  // namespace millrace
