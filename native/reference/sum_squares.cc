#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::sum_squares(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum_squares(dtype_of<T>(), out, x));
  if (planning(context)) return ok();
  double sum = 0.0;
  for_elements(context, x.num_elements(), [&](int64_t i) {
    const double value = x.as<Wide<T>>()[i];
    sum += value * value;
  });
  *out.as<double>() += sum;
  return ok();
}

MR_INSTANTIATE(sum_squares, Context&, Tensor, Tensor);

}  // namespace millrace::reference
