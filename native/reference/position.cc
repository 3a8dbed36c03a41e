#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::position_forward(Context& context, Tensor x, Tensor wpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_forward(dtype_of<T>(), x, wpe));
  if (planning(context)) return ok();
  const int64_t sample_size = x.dim(1) * x.dim(2);
  for (int64_t b = 0; b < x.dim(0); ++b) {
    const int64_t sample_begin = dropout.p == 0.0f ? 0 : dropout.sample[b] * sample_size;
    for (int64_t i = 0; i < sample_size; ++i) {
      T& value = x.as<T>()[b * sample_size + i];
      const double sum = static_cast<double>(value) + wpe.as<T>()[i];
      value = static_cast<T>(dropout_factor(dropout, sample_begin + i) * sum);
    }
    tick(context);
  }
  return ok();
}

template <class T>
Status Ops<T>::position_backward(Context& context, Tensor dx, Tensor dwpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_backward(dtype_of<T>(), dx, dwpe));
  if (planning(context)) return ok();
  const int64_t sample_size = dx.dim(1) * dx.dim(2);
  for (int64_t b = 0; b < dx.dim(0); ++b) {
    const int64_t sample_begin = dropout.p == 0.0f ? 0 : dropout.sample[b] * sample_size;
    for (int64_t i = 0; i < sample_size; ++i) {
      T& value = dx.as<T>()[b * sample_size + i];
      value = static_cast<T>(dropout_factor(dropout, sample_begin + i) * value);
      dwpe.as<Wide<T>>()[i] += value;
    }
    tick(context);
  }
  return ok();
}

MR_INSTANTIATE(position_forward, Context&, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(position_backward, Context&, Tensor, Tensor, const Dropout&);

}  // namespace millrace::reference
