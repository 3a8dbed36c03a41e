#include "model/gpt2.h"

namespace millrace {

namespace {

Tensor rows_of(Tensor x) { return x.reshaped(Shape(x.dim(0) * x.dim(1), x.dim(2))); }

Status allocate_point(DType dtype, int64_t batch, int64_t time, int64_t channels, Arena& arena, NormedResidual* point) {
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(batch, time, channels), &point->r));
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(batch, time, channels), &point->y));
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(batch * time), &point->mean));
  return arena.alloc(dtype, Shape(batch * time), &point->rstd);
}

NormedResidual shaped_point(const NormedResidual& whole, int64_t batch, int64_t time, int64_t channels) {
  const Shape shape(batch, time, channels);
  const Shape rows(batch * time);
  return NormedResidual{whole.r.reshaped(shape), whole.y.reshaped(shape), whole.mean.reshaped(rows),
                        whole.rstd.reshaped(rows)};
}

}  // namespace

Status Gpt2::allocate_parameters(RankEnv& env, const ModelConfig& config, double init_std, Arena& arena) {
  config_ = config;
  MR_RETURN_IF_ERROR(parameters_.allocate(gpt2_parameters(config, init_std), env.ops->dtype, env.tensor_size, arena));
  bind_parameters(env);
  return ok();
}

// Follows the order of gpt2_parameters().
void Gpt2::bind_parameters(RankEnv& env) {
  Parameter* next = parameters_.all().data();
  embedding_.tokens = next++;
  embedding_.positions = next++;
  embedding_.range = vocab_of_rank(config_, env.tensor_rank, env.tensor_size);
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

Status Gpt2::allocate_activations(RankEnv& env, int64_t max_batch, int64_t max_time, Arena& arena) {
  const DType dtype = env.ops->dtype;
  const int64_t rows = max_batch * max_time;
  const int64_t channels = config_.hidden_size;
  const int64_t channels_p = channels / env.tensor_size;
  const int64_t heads_p = config_.num_heads / env.tensor_size;
  const int64_t feed_forward_p = config_.feed_forward_size() / env.tensor_size;
  const size_t num_layers = static_cast<size_t>(config_.num_layers);

  whole_.points.resize(num_layers + 1);
  whole_.layers.resize(num_layers);
  for (NormedResidual& point : whole_.points) {
    MR_RETURN_IF_ERROR(allocate_point(dtype, max_batch, max_time, channels, arena, &point));
  }
  for (LayerActivations& kept : whole_.layers) {
    MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, max_time, 3 * channels_p), &kept.qkv));
    MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, max_time, channels_p), &kept.attention));
    MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, heads_p, max_time), &kept.lse));
    MR_RETURN_IF_ERROR(allocate_point(dtype, max_batch, max_time, channels, arena, &kept.middle));
    MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(rows, feed_forward_p), &kept.pre));
    MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(rows, feed_forward_p), &kept.gelu));
  }
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, max_time, channels), &whole_.space.branch));
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, max_time, channels), &whole_.space.dy));
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, max_time, channels_p), &whole_.space.dattention));
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, max_time, 3 * channels_p), &whole_.space.dqkv));
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(rows, feed_forward_p), &whole_.space.dpre));
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(max_batch, max_time, channels), &whole_.dr));
  shaped_ = whole_;
  return head_.allocate(env, config_, embedding_.tokens, rows, arena);
}

void Gpt2::shape_activations(RankEnv& env, int64_t batch, int64_t time) {
  const int64_t rows = batch * time;
  const int64_t channels = config_.hidden_size;
  const int64_t channels_p = channels / env.tensor_size;
  const int64_t heads_p = config_.num_heads / env.tensor_size;
  const int64_t feed_forward_p = config_.feed_forward_size() / env.tensor_size;
  for (size_t i = 0; i < whole_.points.size(); ++i) {
    shaped_.points[i] = shaped_point(whole_.points[i], batch, time, channels);
  }
  for (size_t i = 0; i < whole_.layers.size(); ++i) {
    const LayerActivations& from = whole_.layers[i];
    LayerActivations& to = shaped_.layers[i];
    to.qkv = from.qkv.reshaped(Shape(batch, time, 3 * channels_p));
    to.attention = from.attention.reshaped(Shape(batch, time, channels_p));
    to.lse = from.lse.reshaped(Shape(batch, heads_p, time));
    to.middle = shaped_point(from.middle, batch, time, channels);
    to.pre = from.pre.reshaped(Shape(rows, feed_forward_p));
    to.gelu = from.gelu.reshaped(Shape(rows, feed_forward_p));
  }
  shaped_.space.branch = whole_.space.branch.reshaped(Shape(batch, time, channels));
  shaped_.space.dy = whole_.space.dy.reshaped(Shape(batch, time, channels));
  shaped_.space.dattention = whole_.space.dattention.reshaped(Shape(batch, time, channels_p));
  shaped_.space.dqkv = whole_.space.dqkv.reshaped(Shape(batch, time, 3 * channels_p));
  shaped_.space.dpre = whole_.space.dpre.reshaped(Shape(rows, feed_forward_p));
  shaped_.dr = whole_.dr.reshaped(Shape(batch, time, channels));
}

Status Gpt2::forward(RankEnv& env, Tensor ids, const DropoutSource& dropout) {
  shape_activations(env, ids.dim(0), ids.dim(1));
  NormedResidual& first = shaped_.points.front();
  MR_RETURN_IF_ERROR(embedding_.forward(env, first.r, ids, dropout));
  const LayerNorm& norm = blocks_.empty() ? final_norm_ : blocks_.front().norm_1;
  MR_RETURN_IF_ERROR(env.ops->layernorm_forward(*env.context, rows_of(first.y), first.mean, first.rstd,
                                                rows_of(first.r), norm.gamma->value, norm.beta->value,
                                                config_.layernorm_epsilon));
  for (size_t l = 0; l < blocks_.size(); ++l) {
    const LayerNorm& next_norm = l + 1 < blocks_.size() ? blocks_[l + 1].norm_1 : final_norm_;
    MR_RETURN_IF_ERROR(blocks_[l].forward(env, config_, shaped_.points[l], shaped_.layers[l], next_norm,
                                          shaped_.points[l + 1], shaped_.space, dropout));
  }
  return ok();
}

Status Gpt2::loss(RankEnv& env, Tensor targets, double* loss_sum) {
  return head_.loss(env, rows_of(shaped_.points.back().y), targets.reshaped(Shape(targets.num_elements())), loss_sum);
}

Status Gpt2::loss_and_backward(RankEnv& env, Tensor ids, Tensor targets, double scale, const DropoutSource& dropout,
                               double* loss_sum) {
  const NormedResidual& last = shaped_.points.back();
  const Tensor dr = shaped_.dr;
  MR_RETURN_IF_ERROR(head_.loss_and_backward(env, rows_of(shaped_.space.dy), rows_of(last.y),
                                             targets.reshaped(Shape(targets.num_elements())), scale, loss_sum));
  env.enter("final norm backward");
  MR_RETURN_IF_ERROR(env.ops->fill(*env.context, dr, 0.0));
  MR_RETURN_IF_ERROR(norm_backward(env, final_norm_, dr, shaped_.space.dy, last));
  for (size_t l = blocks_.size(); l-- > 0;) {
    MR_RETURN_IF_ERROR(
        blocks_[l].backward(env, config_, dr, shaped_.points[l], shaped_.layers[l], shaped_.space, dropout));
  }
  return embedding_.backward(env, dr, ids, dropout);
}

Status Gpt2::logits(RankEnv& env, int64_t position, Tensor* out) {
  return head_.logits(env, rows_of(shaped_.points.back().y).rows(position, 1), out);
}

}  // namespace millrace
