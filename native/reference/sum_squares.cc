#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::sum_squares(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum_squares(dtype_of<T>(), out, x));
  if (planning(context)) return ok();
  double sum = 0.0;
  for_elements(context, x.num_elements(), [&](int64_t i) { sum += static_cast<double>(x.as<T>()[i]) * x.as<T>()[i]; });
  *out.as<double>() += sum;
  return ok();
}

template Status Ops<float>::sum_squares(Context&, Tensor, Tensor);
template Status Ops<double>::sum_squares(Context&, Tensor, Tensor);

}  // namespace millrace::reference
