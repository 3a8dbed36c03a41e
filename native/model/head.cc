#include "model/head.h"

#include <algorithm>

#include "model/embedding.h"
#include "model/parallel.h"

namespace millrace {

namespace {

// 64 MiB of fp32 logits over all ranks: 333 rows of 50,257. Fewer rows starve the matrix product, more leave the cache
// and add memory without adding speed.
constexpr int64_t kLogitsBudget = int64_t{16} << 20;
constexpr int64_t kRowMultiple = 16;  // chunks of a size that kernels like

template <class T>
double sum_of(Tensor x) {
  double sum = 0;
  for (int64_t i = 0; i < x.num_elements(); ++i) sum += static_cast<double>(x.as<T>()[i]);
  return sum;
}

}  // namespace

int64_t Head::chunk_rows(int64_t num_rows, int64_t vocab_size) {
  const int64_t most = std::max(kRowMultiple, kLogitsBudget / vocab_size / kRowMultiple * kRowMultiple);
  const int64_t num_chunks = (num_rows + most - 1) / most;
  const int64_t even = (num_rows + num_chunks - 1) / num_chunks;
  return std::min(num_rows, (even + kRowMultiple - 1) / kRowMultiple * kRowMultiple);
}

Status Head::allocate(RankEnv& env, const ModelConfig& config, Parameter* embedding, int64_t num_rows, Arena& arena) {
  embedding_ = embedding;
  range_ = vocab_of_rank(config, env.tensor_rank, env.tensor_size);
  vocab_per_rank_ = config.padded_vocab_size / env.tensor_size;
  const DType dtype = env.ops->dtype;
  const int64_t rows = chunk_rows(num_rows, range_.size);
  MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(rows, vocab_per_rank_), &logits_));
  for (Tensor* statistic : {&maximum_, &target_, &sum_exp_, &loss_}) {
    MR_RETURN_IF_ERROR(arena.alloc(dtype, Shape(num_rows), statistic));
  }
  return ok();
}

Status Head::chunk_statistics(RankEnv& env, Tensor logits, Tensor y, Tensor targets, int64_t begin, int64_t count) {
  const OpTable& ops = *env.ops;
  Context& context = *env.context;
  const Tensor maximum = maximum_.rows(begin, count);
  const Tensor target = target_.rows(begin, count);
  const Tensor sum_exp = sum_exp_.rows(begin, count);
  env.enter("head logits forward");
  MR_RETURN_IF_ERROR(ops.linear_forward(context, logits, y, embedding_->value, Tensor{}));
  env.enter("head cross entropy forward");
  MR_RETURN_IF_ERROR(ops.cross_entropy_max(context, maximum, logits, range_));
  MR_RETURN_IF_ERROR(env.all_reduce_tensor(maximum, ReduceOp::kMax, "head cross entropy maximum"));
  MR_RETURN_IF_ERROR(ops.cross_entropy_sum(context, target, sum_exp, logits, maximum, targets, range_));
  MR_RETURN_IF_ERROR(env.all_reduce_tensor(target, ReduceOp::kSum, "head cross entropy target"));
  MR_RETURN_IF_ERROR(env.all_reduce_tensor(sum_exp, ReduceOp::kSum, "head cross entropy sum"));
  return ops.cross_entropy_loss(context, loss_.rows(begin, count), target, sum_exp, targets);
}

Status Head::run(RankEnv& env, const Tensor* dy, Tensor y, Tensor targets, double scale, double* loss_sum) {
  const OpTable& ops = *env.ops;
  Context& context = *env.context;
  const int64_t num_rows = y.dim(0);
  MR_RETURN_IF_ERROR(env.policy->f.forward(env, y, "head f forward"));
  const int64_t chunk = chunk_rows(num_rows, range_.size);
  for (int64_t begin = 0; begin < num_rows; begin += chunk) {
    const int64_t count = std::min(chunk, num_rows - begin);
    const Tensor logits = logits_.rows(0, count);
    const Tensor y_rows = y.rows(begin, count);
    const Tensor target_rows = targets.rows(begin, count);
    MR_RETURN_IF_ERROR(chunk_statistics(env, logits, y_rows, target_rows, begin, count));
    if (dy == nullptr) continue;
    env.enter("head cross entropy backward");
    MR_RETURN_IF_ERROR(ops.cross_entropy_backward(context, logits, maximum_.rows(begin, count),
                                                  sum_exp_.rows(begin, count), target_rows, range_, scale));
    env.enter("head logits backward");
    MR_RETURN_IF_ERROR(ops.linear_backward_input(context, dy->rows(begin, count), logits, embedding_->value, false));
    MR_RETURN_IF_ERROR(ops.linear_backward_weight(context, embedding_->gradient, Tensor{}, logits, y_rows));
  }
  if (dy != nullptr) MR_RETURN_IF_ERROR(env.policy->f.backward(env, *dy, "head f backward"));
  if (env.planning()) return ok();
  const Tensor losses = loss_.rows(0, num_rows);
  *loss_sum += losses.dtype == DType::kF64 ? sum_of<double>(losses) : sum_of<float>(losses);
  return ok();
}

Status Head::loss(RankEnv& env, Tensor y, Tensor targets, double* loss_sum) {
  return run(env, nullptr, y, targets, 0.0, loss_sum);
}

Status Head::loss_and_backward(RankEnv& env, Tensor dy, Tensor y, Tensor targets, double scale, double* loss_sum) {
  return run(env, &dy, y, targets, scale, loss_sum);
}

Status Head::logits(RankEnv& env, Tensor y, Tensor* out) {
  env.enter("head logits forward");
  *out = logits_.rows(0, 1);
  return env.ops->linear_forward(*env.context, *out, y, embedding_->value, Tensor{});
}

}  // namespace millrace
