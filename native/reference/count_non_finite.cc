#include <cmath>

#include "reference/reference_ops.h"

namespace millrace::reference {

namespace {

template <class T>
double count(Context& context, const Tensor& x) {
  int64_t found = 0;
  for_elements(context, x.num_elements(), [&](int64_t i) {
    if (!std::isfinite(static_cast<double>(x.as<T>()[i]))) ++found;
  });
  return static_cast<double>(found);
}

}  // namespace

template <class T>
Status Ops<T>::count_non_finite(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_count_non_finite(dtype_of<T>(), out, x));
  if (planning(context)) return ok();
  *out.as<double>() += x.dtype == dtype_of<T>() ? count<T>(context, x) : count<Wide<T>>(context, x);
  return ok();
}

MR_INSTANTIATE(count_non_finite, Context&, Tensor, Tensor);

}  // namespace millrace::reference
