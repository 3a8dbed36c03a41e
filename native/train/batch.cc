// What a rank does with batches: micro-batches, gradients, evaluation and the logits of generation.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/half.h"
#include "train/rank.h"
#include "train/results.h"

namespace millrace {

namespace {

// Counted targets of `rows` rows of time + 1 tokens: the row's first token is never a target.
int64_t count_targets(const int32_t* tokens, int64_t rows, int64_t time) {
  int64_t count = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const int32_t* begin = tokens + row * (time + 1) + 1;
    count += std::count_if(begin, begin + time, [](int32_t token) { return token >= 0; });
  }
  return count;
}

float as_float(const Tensor& x, int64_t i) {
  switch (x.dtype) {
    case DType::kF64:
      return static_cast<float>(x.as<double>()[i]);
    case DType::kBF16:
      return x.as<BFloat16>()[i];
    case DType::kF16:
      return x.as<Float16>()[i];
    default:
      return x.as<float>()[i];
  }
}

// Names of recorded work: 0 is the update (train/step.cc).
uint64_t micro_batch_key(int64_t batch, bool dropout, bool backward) {
  return static_cast<uint64_t>(batch) << 2 | (dropout ? 2u : 0u) | (backward ? 1u : 0u);
}

}  // namespace

// Rows of `stride` tokens to ids(B,T) and, when stride > time, their successors to targets(B,T).
Status Rank::load_tokens(const int32_t* tokens, int64_t batch, int64_t time, int64_t stride) {
  const size_t count = static_cast<size_t>(batch * time);
  std::vector<int32_t> rows(count);
  const auto load = [&](Tensor to, int64_t offset) {
    for (int64_t row = 0; row < batch; ++row) {
      const int32_t* from = tokens + row * stride + offset;
      std::copy(from, from + time, rows.data() + row * time);
    }
    return device_->to_device(context_, to.data, rows.data(), count * sizeof(int32_t));
  };
  MR_RETURN_IF_ERROR(load(ids_, 0));
  return stride > time ? load(targets_, 1) : ok();
}

Status Rank::replay(uint64_t key, const std::function<Status()>& work) {
  // Collectives count, name and time themselves as they are called, so what holds them is not recorded; neither is what
  // runs under a watch.
  if (env_.planning() || env_.tensor_size > 1 || env_.context != &context_) return work();
  return device_->replay(context_, key, work);
}

Status Rank::run_micro_batch(const int32_t* tokens, const int64_t* samples, int64_t batch, float dropout,
                             bool backward) {
  const int64_t time = config_.sequence_length;
  if (!env_.planning()) {
    env_.enter("micro-batch");
    MR_RETURN_IF_ERROR(load_tokens(tokens, batch, time, time + 1));
    if (dropout > 0) {
      MR_RETURN_IF_ERROR(device_->to_device(context_, samples_.data, samples, static_cast<size_t>(batch) * 8));
    }
  }
  const Tensor ids = ids_.reshaped(Shape(batch, time));
  const Tensor targets = targets_.reshaped(Shape(batch, time));
  const Tensor draw_step = control_field(control_, offsetof(StepControl, draw_step));
  const DropoutSource source{dropout, config_.seed, draw_step.as<int64_t>(), samples_.as<int64_t>()};
  return replay(micro_batch_key(batch, dropout > 0, backward), [&]() -> Status {
    MR_RETURN_IF_ERROR(model_.forward(env_, ids, source));
    return backward ? model_.loss_and_backward(env_, ids, targets, source, control_)
                    : model_.loss(env_, targets, control_);
  });
}

Status Rank::reduce_loss(const char* name) {
  return env_.all_reduce(place_.data_group, place_.data_size, control_field(control_, offsetof(StepControl, loss_sum)),
                         ReduceOp::kSum, name);
}

// A data-parallel rank takes a contiguous share of the rows. All ranks are given the whole batch, so the number of
// counted tokens needs no reduction, and each gradient is scaled once, where the loss is formed.
Status Rank::run_batch(const int32_t* tokens, const int64_t* samples, int64_t step, bool backward) {
  const int64_t stride = config_.sequence_length + 1;
  const int64_t rows = config_.global_batch / place_.data_size;
  const int64_t begin = rows * place_.data_rank;
  const int64_t num_tokens = count_targets(tokens, config_.global_batch, config_.sequence_length);
  MR_RETURN_IF_ERROR(env_.ops->begin_step(*env_.context, control_, step, 1.0 / static_cast<double>(num_tokens)));
  for (int64_t row = begin; row < begin + rows; row += config_.micro_batch) {
    MR_RETURN_IF_ERROR(
        run_micro_batch(tokens + row * stride, samples + row, config_.micro_batch, config_.dropout, backward));
    if (row == begin && backward) MR_RETURN_IF_ERROR(config_.fault.strike(place_.rank, step));
  }
  return reduce_loss("data-parallel loss reduction");
}

Status Rank::run_backward(const int32_t* tokens, const int64_t* samples, int64_t step) {
  MR_RETURN_IF_ERROR(env_.ops->fill(*env_.context, model_.parameters().gradients(), 0.0));
  return run_batch(tokens, samples, step, true);
}

Status Rank::reduce_gradients() {
  return env_.all_reduce(place_.data_group, place_.data_size, model_.parameters().gradients(), ReduceOp::kSum,
                         "data-parallel gradient reduction");
}

int64_t Rank::count_tokens(const int32_t* tokens) const {
  return count_targets(tokens, config_.global_batch, config_.sequence_length);
}

Status Rank::gradients(const int32_t* tokens, const int64_t* samples, int64_t step, double* loss, int64_t* num_tokens) {
  StepControl control;
  MR_RETURN_IF_ERROR(run_backward(tokens, samples, step));
  MR_RETURN_IF_ERROR(reduce_gradients());
  MR_RETURN_IF_ERROR(read_control(&control));
  gradient_scale_ = control.loss_scale;
  *loss = control.loss_sum * control.share;
  *num_tokens = count_tokens(tokens);
  return ok();
}

Status Rank::dropout_loss(const int32_t* tokens, const int64_t* samples, int64_t step, double* loss) {
  StepControl control;
  MR_RETURN_IF_ERROR(run_batch(tokens, samples, step, false));
  MR_RETURN_IF_ERROR(read_control(&control));
  *loss = control.loss_sum * control.share;
  return ok();
}

Status Rank::gradient_norm(double* norm) {
  StepControl control;
  MR_RETURN_IF_ERROR(env_.ops->begin_step(context_, control_, 0, 1.0));
  MR_RETURN_IF_ERROR(add_gradient_norm(env_, model_.parameters(), control_, partials_));
  MR_RETURN_IF_ERROR(read_control(&control));
  *norm = std::sqrt(control.norm_squared) / gradient_scale_;
  return ok();
}

Status Rank::evaluate(const int32_t* tokens, int64_t num_sequences, double* loss_sum, int64_t* num_tokens) {
  const int64_t stride = config_.sequence_length + 1;
  int64_t number = 0;
  MR_RETURN_IF_ERROR(env_.ops->begin_step(context_, control_, 0, 1.0));
  for (int64_t row = 0; row < num_sequences; row += config_.micro_batch, ++number) {
    if (number % place_.data_size != place_.data_rank) continue;
    const int64_t batch = std::min(config_.micro_batch, num_sequences - row);
    MR_RETURN_IF_ERROR(run_micro_batch(tokens + row * stride, nullptr, batch, 0.0f, false));
  }
  StepControl control;
  MR_RETURN_IF_ERROR(reduce_loss("evaluation loss reduction"));
  MR_RETURN_IF_ERROR(read_control(&control));
  *loss_sum = control.loss_sum;
  *num_tokens = count_targets(tokens, num_sequences, config_.sequence_length);
  return ok();
}

Status Rank::logits(const int32_t* tokens, int64_t length, float* out) {
  MR_RETURN_IF_ERROR(load_tokens(tokens, 1, length, length));
  MR_RETURN_IF_ERROR(model_.forward(env_, ids_.reshaped(Shape(1, length)), DropoutSource{}));
  Tensor logits;
  MR_RETURN_IF_ERROR(model_.logits(env_, length - 1, &logits));
  if (place_.data_rank != 0) return await_results(place_, context_);
  std::vector<char> bytes(logits.size_bytes());
  MR_RETURN_IF_ERROR(device_->to_host(context_, bytes.data(), logits.data, bytes.size()));
  MR_RETURN_IF_ERROR(await_results(place_, context_));
  logits.data = bytes.data();
  const int64_t begin = model_.logits_range().begin;
  const int64_t count = std::clamp<int64_t>(config_.model.vocab_size - begin, 0, logits.dim(1));
  for (int64_t i = 0; i < count; ++i) out[begin + i] = as_float(logits, i);
  return ok();
}

}  // namespace millrace
