#include "reference/reference_ops.h"

namespace millrace::reference {

namespace {

template <class To, class From>
void convert(Context& context, const Tensor& to, const Tensor& from) {
  for_elements(context, to.num_elements(), [&](int64_t i) { to.as<To>()[i] = static_cast<To>(from.as<From>()[i]); });
}

}  // namespace

template <class T>
Status Ops<T>::cast(Context& context, Tensor to, Tensor from) {
  MR_RETURN_IF_ERROR(check_cast(dtype_of<T>(), to, from));
  if (planning(context) || to.data == from.data) return ok();
  if (to.dtype == dtype_of<T>()) {
    from.dtype == to.dtype ? convert<T, T>(context, to, from) : convert<T, Wide<T>>(context, to, from);
  } else {
    from.dtype == to.dtype ? convert<Wide<T>, Wide<T>>(context, to, from) : convert<Wide<T>, T>(context, to, from);
  }
  return ok();
}

MR_INSTANTIATE(cast, Context&, Tensor, Tensor);

}  // namespace millrace::reference
