#include <algorithm>
#include <cmath>

#include "cpu/cpu_ops.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

namespace {

// How many of this rank's columns are true ids; the rest is padding.
int64_t true_columns(const Tensor& logits, const VocabRange& range) {
  return std::clamp<int64_t>(range.size - range.begin, 0, logits.dim(1));
}

}  // namespace

Status cross_entropy_max(Context& context, Tensor maximum, Tensor logits, VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_max(DType::kF32, maximum, logits));
  if (planning(context)) return ok();
  for_rows(context, logits.dim(0), logits.dim(1), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      maximum.as<float>()[n] = kernels().maximum(logits.as<float>() + n * logits.dim(1), true_columns(logits, range));
    }
  });
  return ok();
}

Status cross_entropy_sum(Context& context, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum, Tensor targets,
                         VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_sum(DType::kF32, target, sum_exp, logits, maximum, targets));
  if (planning(context)) return ok();
  const int64_t num_true = true_columns(logits, range);
  for_rows(context, logits.dim(0), logits.dim(1), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const float* row = logits.as<float>() + n * logits.dim(1);
      const float largest = maximum.as<float>()[n];
      sum_exp.as<float>()[n] = kernels().sum_exp(row, num_true, largest);
      const int64_t wanted = targets.as<int32_t>()[n] - range.begin;
      const bool owned = targets.as<int32_t>()[n] >= 0 && wanted >= 0 && wanted < num_true;
      target.as<float>()[n] = owned ? row[wanted] - largest : 0.0f;
    }
  });
  return ok();
}

Status cross_entropy_loss(Context& context, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets) {
  MR_RETURN_IF_ERROR(check_cross_entropy_loss(DType::kF32, loss, target, sum_exp, targets));
  if (planning(context)) return ok();
  for (int64_t n = 0; n < loss.num_elements(); ++n) {
    const float value = std::log(sum_exp.as<float>()[n]) - target.as<float>()[n];
    loss.as<float>()[n] = targets.as<int32_t>()[n] >= 0 ? value : 0.0f;
  }
  tick(context);
  return ok();
}

Status cross_entropy_backward(Context& context, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets,
                              VocabRange range, Tensor control) {
  MR_RETURN_IF_ERROR(check_cross_entropy_backward(DType::kF32, logits, maximum, sum_exp, targets, control));
  if (planning(context)) return ok();
  const double scale = control.as<StepControl>()->gradient_scale();
  const int64_t num_true = true_columns(logits, range);
  for_rows(context, logits.dim(0), logits.dim(1), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      float* row = logits.as<float>() + n * logits.dim(1);
      const int64_t target = targets.as<int32_t>()[n];
      const int64_t num_kept = target >= 0 ? num_true : 0;
      std::fill(row + num_kept, row + logits.dim(1), 0.0f);
      if (num_kept == 0) continue;
      const double factor = scale / static_cast<double>(sum_exp.as<float>()[n]);
      kernels().softmax_scaled(row, num_kept, maximum.as<float>()[n], static_cast<float>(factor));
      const int64_t wanted = target - range.begin;
      if (wanted >= 0 && wanted < num_kept) row[wanted] -= static_cast<float>(scale);
    }
  });
  return ok();
}

}  // namespace millrace::cpu
