#include "reference/reference_ops.h"

namespace millrace::reference {

namespace {

// body(a value of the type of the elements, i) for every element: T or Wide<T>.
template <class T, class Body>
Status for_either(Context& context, const Tensor& x, const Body& body) {
  if (planning(context)) return ok();
  if (x.dtype == dtype_of<T>()) {
    for_elements(context, x.num_elements(), [&](int64_t i) { body(T{}, i); });
  } else {
    for_elements(context, x.num_elements(), [&](int64_t i) { body(Wide<T>{}, i); });
  }
  return ok();
}

}  // namespace

template <class T>
Status Ops<T>::fill(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), x));
  return for_either<T>(context, x, [&](auto zero, int64_t i) {
    using Element = decltype(zero);
    x.as<Element>()[i] = static_cast<Element>(value);
  });
}

template <class T>
Status Ops<T>::add(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), y, x));
  return for_either<T>(context, y, [&](auto zero, int64_t i) {
    using Element = decltype(zero);
    y.as<Element>()[i] = static_cast<Element>(y.as<Element>()[i] + x.as<Element>()[i]);
  });
}

template <class T>
Status Ops<T>::maximum(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), y, x));
  return for_either<T>(context, y, [&](auto zero, int64_t i) {
    using Element = decltype(zero);
    const Element a = y.as<Element>()[i], b = x.as<Element>()[i];
    y.as<Element>()[i] = b > a || b != b ? b : a;
  });
}

template <class T>
Status Ops<T>::scale(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), x));
  return for_either<T>(context, x, [&](auto zero, int64_t i) {
    using Element = decltype(zero);
    x.as<Element>()[i] = static_cast<Element>(x.as<Element>()[i] * value);
  });
}

MR_INSTANTIATE(fill, Context&, Tensor, double);
MR_INSTANTIATE(add, Context&, Tensor, Tensor);
MR_INSTANTIATE(maximum, Context&, Tensor, Tensor);
MR_INSTANTIATE(scale, Context&, Tensor, double);

}  // namespace millrace::reference
