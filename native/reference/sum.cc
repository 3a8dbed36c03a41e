#include "reference/reference_ops.h"

namespace millrace::reference {

namespace {

template <class X>
double added_up(Context& context, Tensor x) {
  double sum = 0.0;
  for_elements(context, x.num_elements(), [&](int64_t i) { sum += x.as<X>()[i]; });
  return sum;
}

}  // namespace

template <class T>
Status Ops<T>::sum(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum(dtype_of<T>(), out, x));
  if (planning(context)) return ok();
  *out.as<double>() += x.dtype == DType::kF64 ? added_up<double>(context, x) : added_up<Wide<T>>(context, x);
  return ok();
}

MR_INSTANTIATE(sum, Context&, Tensor, Tensor);

}  // namespace millrace::reference
