// One read and one write; between equal dtypes a copy by the runtime.
#include "cuda/cuda_ops.h"
#include "cuda/octet.h"

namespace millrace::cuda {

namespace {

template <class To, class From>
__global__ void cast_kernel(To* to, const From* from, int64_t count, bool aligned) {
  for (int64_t i = first_octet(); i < count; i += octet_stride()) {
    float value[kOctet];
    widen(value, load_octet(from + i, count - i, aligned));
    store_octet(to + i, narrow<To>(value), count - i, aligned);
  }
}

template <class To, class From>
Status convert(Context& context, const Tensor& to, const Tensor& from) {
  const int64_t count = to.num_elements();
  return launch(context, cast_kernel<To, From>, flat_grid(count), kFlatThreads, 0, to.as<To>(), from.as<From>(), count,
                aligned16(to.data) && aligned16(from.data));
}

}  // namespace

template <class T>
Status cast(Context& context, Tensor to, Tensor from) {
  MR_RETURN_IF_ERROR(check_cast(dtype_of<T>(), to, from));
  if (planning(context) || to.data == from.data) return ok();
  if (to.dtype == from.dtype) {
    MR_CUDA(cudaMemcpyAsync(to.data, from.data, to.size_bytes(), cudaMemcpyDeviceToDevice, stream_of(context).handle));
    return ok();
  }
  return to.dtype == dtype_of<T>() ? convert<T, float>(context, to, from) : convert<float, T>(context, to, from);
}

MR_INSTANTIATE(cast, Context&, Tensor, Tensor);

}  // namespace millrace::cuda
