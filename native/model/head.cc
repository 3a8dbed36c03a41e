#include "model/head.h"

#include <algorithm>
#include <cstddef>

#include "model/embedding.h"
#include "model/parallel.h"

namespace millrace {

namespace {

constexpr int64_t kRowMultiple = 16;  // chunks of a size that kernels like

// A shard's columns of logits(N,V_p).
Tensor of_shard(const RankEnv& env, Tensor logits, int shard) { return shard_of(logits, 1, shard, env.shards.count); }

}  // namespace

int64_t Head::chunk_rows(int64_t num_rows, int64_t vocab_size, int64_t logits_at_once) {
  const int64_t most = std::max(kRowMultiple, logits_at_once / vocab_size / kRowMultiple * kRowMultiple);
  const int64_t num_chunks = (num_rows + most - 1) / most;
  const int64_t even = (num_rows + num_chunks - 1) / num_chunks;
  return std::min(num_rows, (even + kRowMultiple - 1) / kRowMultiple * kRowMultiple);
}

Status Head::allocate(RankEnv& env, const ModelConfig& config, Parameter* embedding, int64_t num_rows, Arena& arena) {
  embedding_ = embedding;
  ranges_ = vocab_of_shards(config, env.shards);
  const DType dtype = env.ops->dtype;
  const DType statistic = wide_dtype(dtype);
  const int64_t rows = chunk_rows(num_rows, config.vocab_size, env.ops->logits_at_once);
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(rows, config.padded_vocab_size / env.tensor_size), &logits_));
  MR_RETURN_IF_ERROR(arena.alloc(statistic, Shape(rows), &maximum_));
  MR_RETURN_IF_ERROR(arena.alloc(statistic, Shape(2, rows), &sums_));
  return arena.alloc(statistic, Shape(num_rows), &loss_);
}

Status Head::chunk_logits(RankEnv& env, Tensor logits, Tensor y) {
  env.enter("head logits forward");
  return env.for_each_shard([&](int shard) {
    return env.ops->linear_forward(*env.context, of_shard(env, logits, shard), y,
                                   embedding_->shard(embedding_->value, shard), Tensor{});
  });
}

Status Head::chunk_loss(RankEnv& env, const Chunk& chunk, Tensor loss) {
  const OpTable& ops = *env.ops;
  Context& context = *env.context;
  MR_RETURN_IF_ERROR(chunk_logits(env, chunk.logits, chunk.y));
  env.enter("head cross entropy forward");
  MR_RETURN_IF_ERROR(env.reduce_shards(chunk.maximum, ReduceOp::kMax, [&](int shard, Tensor part) {
    return ops.cross_entropy_max(context, part, of_shard(env, chunk.logits, shard), range_of(shard));
  }));
  MR_RETURN_IF_ERROR(env.all_reduce_tensor(chunk.maximum, ReduceOp::kMax, "head cross entropy maximum"));
  MR_RETURN_IF_ERROR(env.reduce_shards(chunk.sums, ReduceOp::kSum, [&](int shard, Tensor part) {
    return ops.cross_entropy_sum(context, part.rows(0, 1), part.rows(1, 1), of_shard(env, chunk.logits, shard),
                                 chunk.maximum, chunk.targets, range_of(shard));
  }));
  MR_RETURN_IF_ERROR(env.all_reduce_tensor(chunk.target(), ReduceOp::kSum, "head cross entropy target"));
  MR_RETURN_IF_ERROR(env.all_reduce_tensor(chunk.sum_exp(), ReduceOp::kSum, "head cross entropy sum"));
  return ops.cross_entropy_loss(context, loss, chunk.target(), chunk.sum_exp(), chunk.targets);
}

Status Head::chunk_backward(RankEnv& env, const Chunk& chunk, Tensor dy, Tensor control) {
  const OpTable& ops = *env.ops;
  Context& context = *env.context;
  env.enter("head cross entropy backward");
  MR_RETURN_IF_ERROR(env.for_each_shard([&](int shard) {
    return ops.cross_entropy_backward(context, of_shard(env, chunk.logits, shard), chunk.maximum, chunk.sum_exp(),
                                      chunk.targets, range_of(shard), control);
  }));
  env.enter("head logits backward");
  MR_RETURN_IF_ERROR(sum_shards(env, dy, env.policy->f.backward, "head f backward", [&](int shard, Tensor part) {
    return ops.linear_backward_input(context, part, of_shard(env, chunk.logits, shard),
                                     embedding_->shard(embedding_->value, shard), false);
  }));
  return env.for_each_shard([&](int shard) {
    return ops.linear_backward_weight(context, embedding_->shard(embedding_->gradient, shard), Tensor{},
                                      of_shard(env, chunk.logits, shard), chunk.y);
  });
}

Status Head::run(RankEnv& env, const Tensor* dy, Tensor y, Tensor targets, Tensor control) {
  const int64_t num_rows = y.dim(0);
  MR_RETURN_IF_ERROR(env.policy->f.forward(env, y, "head f forward"));
  // Of what was allocated: fewer rows cut into even chunks may make larger ones.
  const int64_t rows = logits_.dim(0);
  for (int64_t begin = 0; begin < num_rows; begin += rows) {
    const int64_t count = std::min(rows, num_rows - begin);
    const Chunk chunk{y.rows(begin, count), targets.rows(begin, count), logits_.rows(0, count), maximum_.rows(0, count),
                      sums_.reshaped(Shape(2, count))};
    MR_RETURN_IF_ERROR(chunk_loss(env, chunk, loss_.rows(begin, count)));
    if (dy != nullptr) MR_RETURN_IF_ERROR(chunk_backward(env, chunk, dy->rows(begin, count), control));
  }
  return env.ops->sum(*env.context, control_field(control, offsetof(StepControl, loss_sum)), loss_.rows(0, num_rows));
}

Status Head::loss(RankEnv& env, Tensor y, Tensor targets, Tensor control) {
  return run(env, nullptr, y, targets, control);
}

Status Head::loss_and_backward(RankEnv& env, Tensor dy, Tensor y, Tensor targets, Tensor control) {
  return run(env, &dy, y, targets, control);
}

Status Head::logits(RankEnv& env, Tensor y, Tensor* out) {
  *out = logits_.rows(0, 1);
  return chunk_logits(env, *out, y);
}

}  // namespace millrace
