#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::fill(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_dtype(dtype_of<T>(), x));
  if (planning(context)) return ok();
  for_elements(context, x.num_elements(), [&](int64_t i) { x.as<T>()[i] = static_cast<T>(value); });
  return ok();
}

template <class T>
Status Ops<T>::add(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_same(dtype_of<T>(), y, x));
  if (planning(context)) return ok();
  for_elements(context, x.num_elements(), [&](int64_t i) { y.as<T>()[i] += x.as<T>()[i]; });
  return ok();
}

template <class T>
Status Ops<T>::scale(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_dtype(dtype_of<T>(), x));
  if (planning(context)) return ok();
  for_elements(context, x.num_elements(), [&](int64_t i) { x.as<T>()[i] = static_cast<T>(x.as<T>()[i] * value); });
  return ok();
}

template Status Ops<float>::fill(Context&, Tensor, double);
template Status Ops<float>::add(Context&, Tensor, Tensor);
template Status Ops<float>::scale(Context&, Tensor, double);
template Status Ops<double>::fill(Context&, Tensor, double);
template Status Ops<double>::add(Context&, Tensor, Tensor);
template Status Ops<double>::scale(Context&, Tensor, double);

}  // namespace millrace::reference
