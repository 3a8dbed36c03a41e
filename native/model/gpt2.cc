#include "model/gpt2.h"

#include <utility>

namespace millrace {

namespace {

Tensor rows_of(Tensor x) { return x.reshaped(Shape(x.dim(0) * x.dim(1), x.dim(2))); }

}  // namespace

Status Gpt2::allocate_parameters(RankEnv& env, const ModelConfig& config, double init_std, Arena& arena) {
  config_ = config;
  std::vector<ParameterSpec> table = gpt2_parameters(config, init_std);
  for (ParameterSpec& spec : table) spec.shards = env.shards.total;
  MR_RETURN_IF_ERROR(parameters_.allocate(std::move(table), env.ops->dtype, env.tensor_size, arena));
  bind_parameters(env);
  return ok();
}

// Follows the order of gpt2_parameters().
void Gpt2::bind_parameters(RankEnv& env) {
  Parameter* next = parameters_.all().data();
  embedding_.tokens = next++;
  embedding_.positions = next++;
  embedding_.ranges = vocab_of_shards(config_, env.shards);
  blocks_.assign(static_cast<size_t>(config_.num_layers), TransformerBlock{});
  for (size_t l = 0; l < blocks_.size(); ++l) {
    TransformerBlock& block = blocks_[l];
    block.layer = static_cast<int64_t>(l);
    for (Parameter** slot : {&block.norm_1.gamma, &block.norm_1.beta, &block.qkv.weight, &block.qkv.bias,
                             &block.out.weight, &block.out.bias, &block.norm_2.gamma, &block.norm_2.beta,
                             &block.up.weight, &block.up.bias, &block.down.weight, &block.down.bias}) {
      *slot = next++;
    }
  }
  final_norm_.gamma = next++;
  final_norm_.beta = next++;
}

Status Gpt2::allocate_activations(RankEnv& env, int64_t max_batch, int64_t max_time, Recompute recompute,
                                  Arena& arena) {
  recompute_ = recompute;
  MR_RETURN_IF_ERROR(whole_.allocate(env.ops->dtype, config_, env.tensor_size, recompute, max_batch, max_time, arena));
  return head_.allocate(env, config_, embedding_.tokens, max_batch * max_time, arena);
}

Status Gpt2::forward(RankEnv& env, Tensor ids, const DropoutSource& dropout) {
  whole_.view(config_, env.tensor_size, ids.dim(0), ids.dim(1), &shaped_);
  const NormedResidual& first = shaped_.points.front();
  MR_RETURN_IF_ERROR(embedding_.forward(env, first.r, ids, dropout));
  const LayerNorm& norm = blocks_.empty() ? final_norm_ : blocks_.front().norm_1;
  MR_RETURN_IF_ERROR(norm_forward(env, config_, norm, first));
  for (size_t l = 0; l < blocks_.size(); ++l) {
    const LayerNorm& next_norm = l + 1 < blocks_.size() ? blocks_[l + 1].norm_1 : final_norm_;
    MR_RETURN_IF_ERROR(blocks_[l].forward(env, config_, shaped_.points[l], shaped_.layers[l], next_norm,
                                          shaped_.points[l + 1], shaped_.space, dropout));
  }
  return ok();
}

Status Gpt2::loss(RankEnv& env, Tensor targets, Tensor control) {
  return head_.loss(env, rows_of(shaped_.points.back().y), targets.reshaped(Shape(targets.num_elements())), control);
}

Status Gpt2::loss_and_backward(RankEnv& env, Tensor ids, Tensor targets, const DropoutSource& dropout, Tensor control) {
  const NormedResidual& last = shaped_.points.back();
  const Tensor dr = shaped_.dr;
  MR_RETURN_IF_ERROR(head_.loss_and_backward(env, rows_of(shaped_.space.dy), rows_of(last.y),
                                             targets.reshaped(Shape(targets.num_elements())), control));
  env.enter("final norm backward");
  MR_RETURN_IF_ERROR(env.ops->fill(*env.context, dr, 0.0));
  MR_RETURN_IF_ERROR(norm_backward(env, final_norm_, dr, shaped_.space.dy, last));
  for (size_t l = blocks_.size(); l-- > 0;) {
    // The forward pass has left the values of the last layer in the memory that layers share.
    if (l + 1 < blocks_.size()) {
      MR_RETURN_IF_ERROR(
          blocks_[l].recompute(env, config_, recompute_, shaped_.points[l], shaped_.layers[l], shaped_.space, dropout));
    }
    MR_RETURN_IF_ERROR(
        blocks_[l].backward(env, config_, dr, shaped_.points[l], shaped_.layers[l], shaped_.space, dropout));
  }
  return embedding_.backward(env, dr, ids, dropout);
}

Status Gpt2::logits(RankEnv& env, int64_t position, Tensor* out) {
  return head_.logits(env, rows_of(shaped_.points.back().y).rows(position, 1), out);
}

}  // namespace millrace
