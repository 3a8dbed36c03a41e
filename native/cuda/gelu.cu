// One read of pre and one write of y.
#include "cuda/cuda_ops.h"
#include "cuda/gelu.h"
#include "cuda/octet.h"

namespace millrace::cuda {

namespace {

template <Gelu kKind, class T>
__global__ void gelu_forward_kernel(T* y, const T* pre, int64_t count, bool aligned) {
  for (int64_t i = first_octet(); i < count; i += octet_stride()) {
    float value[kOctet];
    widen(value, load_octet(pre + i, count - i, aligned));
#pragma unroll
    for (int k = 0; k < kOctet; ++k) value[k] = gelu<kKind>(value[k]);
    store_octet(y + i, narrow<T>(value), count - i, aligned);
  }
}

}  // namespace

template <class T>
Status gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre) {
  MR_RETURN_IF_ERROR(check_same(dtype_of<T>(), y, pre));
  if (planning(context)) return ok();
  const int64_t count = y.num_elements();
  const auto kernel = kind == Gelu::kTanh ? gelu_forward_kernel<Gelu::kTanh, T> : gelu_forward_kernel<Gelu::kErf, T>;
  return launch(context, kernel, flat_grid(count), kFlatThreads, 0, y.as<T>(), pre.as<T>(), count,
                aligned16(y.data) && aligned16(pre.data));
}

MR_INSTANTIATE(gelu_forward, Context&, Gelu, Tensor, Tensor);

}  // namespace millrace::cuda
