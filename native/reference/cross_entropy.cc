#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/reference_ops.h"

namespace millrace::reference {

namespace {

// How many of this rank's columns are true ids; the rest is padding.
int64_t true_columns(const Tensor& logits, const VocabRange& range) {
  return std::clamp<int64_t>(range.size - range.begin, 0, logits.dim(1));
}

}  // namespace

template <class T>
Status Ops<T>::cross_entropy_max(Context& context, Tensor maximum, Tensor logits, VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_max(dtype_of<T>(), maximum, logits));
  if (planning(context)) return ok();
  for (int64_t n = 0; n < logits.dim(0); ++n) {
    Wide<T> largest = -std::numeric_limits<Wide<T>>::infinity();
    for (int64_t v = 0; v < true_columns(logits, range); ++v) {
      largest = std::max<Wide<T>>(largest, logits.as<T>()[n * logits.dim(1) + v]);
    }
    maximum.as<Wide<T>>()[n] = largest;
    tick(context);
  }
  return ok();
}

template <class T>
Status Ops<T>::cross_entropy_sum(Context& context, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum,
                                 Tensor targets, VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_sum(dtype_of<T>(), target, sum_exp, logits, maximum, targets));
  if (planning(context)) return ok();
  for (int64_t n = 0; n < logits.dim(0); ++n) {
    const T* row = logits.as<T>() + n * logits.dim(1);
    const double largest = maximum.as<Wide<T>>()[n];
    double sum = 0.0;
    for (int64_t v = 0; v < true_columns(logits, range); ++v) sum += std::exp(row[v] - largest);
    sum_exp.as<Wide<T>>()[n] = static_cast<Wide<T>>(sum);
    const int64_t wanted = targets.as<int32_t>()[n] - range.begin;
    const bool owned = targets.as<int32_t>()[n] >= 0 && wanted >= 0 && wanted < true_columns(logits, range);
    target.as<Wide<T>>()[n] = owned ? static_cast<Wide<T>>(row[wanted] - largest) : Wide<T>{};
    tick(context);
  }
  return ok();
}

template <class T>
Status Ops<T>::cross_entropy_loss(Context& context, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets) {
  MR_RETURN_IF_ERROR(check_cross_entropy_loss(dtype_of<T>(), loss, target, sum_exp, targets));
  if (planning(context)) return ok();
  for (int64_t n = 0; n < loss.num_elements(); ++n) {
    const double value = std::log(static_cast<double>(sum_exp.as<Wide<T>>()[n])) - target.as<Wide<T>>()[n];
    loss.as<Wide<T>>()[n] = targets.as<int32_t>()[n] >= 0 ? static_cast<Wide<T>>(value) : Wide<T>{};
  }
  tick(context);
  return ok();
}

template <class T>
Status Ops<T>::cross_entropy_backward(Context& context, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets,
                                      VocabRange range, Tensor control) {
  MR_RETURN_IF_ERROR(check_cross_entropy_backward(dtype_of<T>(), logits, maximum, sum_exp, targets, control));
  if (planning(context)) return ok();
  const double scale = control.as<StepControl>()->gradient_scale();
  for (int64_t n = 0; n < logits.dim(0); ++n) {
    T* row = logits.as<T>() + n * logits.dim(1);
    const double largest = maximum.as<Wide<T>>()[n];
    const double sum = sum_exp.as<Wide<T>>()[n];
    const bool counted = targets.as<int32_t>()[n] >= 0;
    for (int64_t v = 0; v < logits.dim(1); ++v) {
      const bool has_probability = counted && v < true_columns(logits, range);
      const double onehot = range.begin + v == targets.as<int32_t>()[n] ? 1.0 : 0.0;
      row[v] = has_probability ? static_cast<T>((std::exp(row[v] - largest) / sum - onehot) * scale) : T{};
    }
    tick(context);
  }
  return ok();
}

MR_INSTANTIATE(cross_entropy_max, Context&, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(cross_entropy_sum, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(cross_entropy_loss, Context&, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(cross_entropy_backward, Context&, Tensor, Tensor, Tensor, Tensor, VocabRange, Tensor);

}  // namespace millrace::reference
