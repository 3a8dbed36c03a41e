// What a rank does with batches: the optimizer step, evaluation and the logits of generation.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/half.h"
#include "train/finite_watch.h"
#include "train/rank.h"

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

}  // namespace

// Rows of `stride` tokens to ids(B,T) and, when stride > time, their successors to targets(B,T).
void Rank::load_tokens(const int32_t* tokens, int64_t batch, int64_t time, int64_t stride) {
  if (env_.planning()) return;
  for (int64_t row = 0; row < batch; ++row) {
    const int32_t* from = tokens + row * stride;
    std::copy(from, from + time, ids_.as<int32_t>() + row * time);
    if (stride > time) std::copy(from + 1, from + 1 + time, targets_.as<int32_t>() + row * time);
  }
}

Status Rank::run_micro_batch(const int32_t* tokens, const int64_t* samples, int64_t batch, int64_t step, float dropout,
                             double gradient_scale, bool backward, double* loss_sum) {
  const int64_t time = config_.sequence_length;
  load_tokens(tokens, batch, time, time + 1);
  const Tensor ids = ids_.reshaped(Shape(batch, time));
  const Tensor targets = targets_.reshaped(Shape(batch, time));
  const DropoutSource source{dropout, config_.seed, step, samples};
  MR_RETURN_IF_ERROR(model_.forward(env_, ids, source));
  if (!backward) return model_.loss(env_, targets, loss_sum);
  return model_.loss_and_backward(env_, ids, targets, gradient_scale, source, loss_sum);
}

Status Rank::reduce_totals(double* first, double* second, const char* name) {
  double* totals = totals_.as<double>();
  totals[0] = *first;
  totals[1] = *second;
  MR_RETURN_IF_ERROR(env_.all_reduce(place_.data_group, place_.data_size, totals_, ReduceOp::kSum, name));
  *first = totals[0];
  *second = totals[1];
  return ok();
}

// A data-parallel rank takes a contiguous share of the rows. All ranks are given the whole batch, so the number of
// counted tokens needs no reduction, and each gradient is scaled once, where the loss is formed.
Status Rank::run_batch(const int32_t* tokens, const int64_t* samples, int64_t step, bool backward, double* loss,
                       int64_t* num_tokens) {
  const int64_t stride = config_.sequence_length + 1;
  const int64_t rows = config_.global_batch / place_.data_size;
  const int64_t begin = rows * place_.data_rank;
  *num_tokens = count_targets(tokens, config_.global_batch, config_.sequence_length);
  const double share = 1.0 / static_cast<double>(*num_tokens);
  double loss_sum = 0;
  for (int64_t row = begin; row < begin + rows; row += config_.micro_batch) {
    MR_RETURN_IF_ERROR(run_micro_batch(tokens + row * stride, samples + row, config_.micro_batch, step, config_.dropout,
                                       progress_.loss_scale.scale * share, backward, &loss_sum));
    if (row == begin && backward) MR_RETURN_IF_ERROR(config_.fault.strike(place_.rank, step));
  }
  double unused = 0;
  MR_RETURN_IF_ERROR(reduce_totals(&loss_sum, &unused, "data-parallel loss reduction"));
  *loss = loss_sum * share;
  return ok();
}

Status Rank::gradients(const int32_t* tokens, const int64_t* samples, int64_t step, double* loss, int64_t* num_tokens) {
  const Tensor gradients = model_.parameters().gradients();
  MR_RETURN_IF_ERROR(env_.ops->fill(context_, gradients, 0.0));
  MR_RETURN_IF_ERROR(run_batch(tokens, samples, step, true, loss, num_tokens));
  gradient_scale_ = progress_.loss_scale.scale;
  return env_.all_reduce(place_.data_group, place_.data_size, gradients, ReduceOp::kSum,
                         "data-parallel gradient reduction");
}

Status Rank::dropout_loss(const int32_t* tokens, const int64_t* samples, int64_t step, double* loss) {
  int64_t num_tokens = 0;
  return run_batch(tokens, samples, step, false, loss, &num_tokens);
}

Status Rank::gradient_norm(double* norm) {
  MR_RETURN_IF_ERROR(global_gradient_norm(env_, model_.parameters(), totals_.rows(0, 1), norm));
  *norm /= gradient_scale_;
  return ok();
}

// Runs the batch again under a watch. The first op, in the order that all ranks run them, whose tensors were not finite
// is where it began; of several ranks at the same op the first is named.
Status Rank::find_overflow(const int32_t* tokens, const int64_t* samples, int64_t step, std::string* report) {
  env_.step = 0;  // the report's operation needs no number of the step before it
  FiniteWatch watch(env_, model_.parameters(), totals_.rows(1, 1));
  double unused_loss = 0;
  int64_t unused_tokens = 0;
  MR_RETURN_IF_ERROR(env_.ops->fill(context_, model_.parameters().gradients(), 0.0));
  MR_RETURN_IF_ERROR(run_batch(tokens, samples, step, true, &unused_loss, &unused_tokens));

  const int64_t world = place_.world();
  constexpr int64_t kNever = std::numeric_limits<int64_t>::min();
  int64_t first = watch.found_at() == 0 ? kNever : -(watch.found_at() * world + place_.rank);
  const Tensor vote{&first, DType::kI64, Shape(1)};
  MR_RETURN_IF_ERROR(env_.all_reduce(place_.world_group, place_.world(), vote, ReduceOp::kMax, "overflow vote"));
  if (first == kNever) {
    // Finite on every rank: the sum over them was not.
    *report = "data-parallel gradient reduction";
    env_.step = step;
    return ok();
  }
  const int finder = static_cast<int>(-first % world);
  std::array<char, 256> text{};
  std::snprintf(text.data(), text.size(), "%s (rank %d)", watch.report().c_str(), finder);
  const Tensor words{text.data(), DType::kI32, Shape(static_cast<int64_t>(text.size() / sizeof(int32_t)))};
  if (world > 1) {
    MR_RETURN_IF_ERROR(place_.world_group->broadcast(context_, words, finder, env_.enter("overflow report")));
  }
  *report = text.data();
  env_.step = step;
  return ok();
}

Status Rank::step(const int32_t* tokens, const int64_t* samples, StepResult* out) {
  const auto start = std::chrono::steady_clock::now();
  StepResult result;
  result.step = progress_.steps + 1;
  env_.step = result.step;
  env_.communication_seconds = 0;
  if (heartbeat_ != nullptr) heartbeat_->set_step(static_cast<uint64_t>(result.step));

  MR_RETURN_IF_ERROR(gradients(tokens, samples, result.step, &result.loss, &result.num_tokens));
  MR_RETURN_IF_ERROR(gradient_norm(&result.gradient_norm));
  const int64_t update = progress_.updates + 1;
  result.learning_rate = config_.schedule.at(update);
  result.loss_scale = gradient_scale_;
  // The norm has equal bits on all ranks, so all decide alike without asking each other.
  result.skipped = !std::isfinite(result.gradient_norm);
  if (result.skipped) {
    MR_RETURN_IF_ERROR(find_overflow(tokens, samples, result.step, &result.overflow));
  } else {
    const double factor = clip_factor(result.gradient_norm, config_.optimizer.clip_norm) / gradient_scale_;
    MR_RETURN_IF_ERROR(apply_adamw(env_, model_.parameters(), config_.optimizer, result.learning_rate, factor, update));
    progress_.updates = update;
  }
  env_.enter("loss scale");
  const Status verdict = advance_loss_scale(config_.loss_scale, result.skipped, &progress_.loss_scale);
  if (!verdict.ok()) return Status(verdict.code(), verdict.message() + "; it began in " + result.overflow);
  progress_.steps = result.step;
  // What was planned is what is used, no less either: a plan that is too large would hide a change of the step.
  MR_CHECK(arena_->peak_bytes() == planned_bytes_);
  result.communication_seconds = env_.communication_seconds;
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  *out = result;
  return ok();
}

Status Rank::evaluate(const int32_t* tokens, int64_t num_sequences, double* loss_sum, int64_t* num_tokens) {
  const int64_t stride = config_.sequence_length + 1;
  double sum = 0;
  int64_t number = 0;
  for (int64_t row = 0; row < num_sequences; row += config_.micro_batch, ++number) {
    if (number % place_.data_size != place_.data_rank) continue;
    const int64_t batch = std::min(config_.micro_batch, num_sequences - row);
    MR_RETURN_IF_ERROR(run_micro_batch(tokens + row * stride, nullptr, batch, 0, 0.0f, 0.0, false, &sum));
  }
  double unused = 0;
  MR_RETURN_IF_ERROR(reduce_totals(&sum, &unused, "evaluation loss reduction"));
  *loss_sum = sum;
  *num_tokens = count_targets(tokens, num_sequences, config_.sequence_length);
  return ok();
}

Status Rank::logits(const int32_t* tokens, int64_t length, float* out) {
  load_tokens(tokens, 1, length, length);
  MR_RETURN_IF_ERROR(model_.forward(env_, ids_.reshaped(Shape(1, length)), DropoutSource{}));
  Tensor logits;
  MR_RETURN_IF_ERROR(model_.logits(env_, length - 1, &logits));
  if (place_.data_rank != 0) return ok();
  const int64_t begin = model_.logits_range().begin;
  const int64_t count = std::clamp<int64_t>(config_.model.vocab_size - begin, 0, logits.dim(1));
  for (int64_t i = 0; i < count; ++i) {
    out[begin + i] = as_float(logits, i);
  }
  return ok();
}

}  // namespace millrace
