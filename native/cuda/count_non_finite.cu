#include "cuda/chunk_sums.h"
#include "cuda/cuda_ops.h"

namespace millrace::cuda {

namespace {

// 1 for what is not finite: in all formats an exponent of ones. Sums of ones are exact in any order.
struct NotFinite {
  __device__ __forceinline__ double operator()(float x) const {
    return (__float_as_uint(x) & 0x7f800000u) == 0x7f800000u ? 1.0 : 0.0;
  }
  __device__ __forceinline__ double operator()(BFloat16 x) const { return (x.bits & 0x7f80u) == 0x7f80u ? 1.0 : 0.0; }
  __device__ __forceinline__ double operator()(Float16 x) const { return (x.bits & 0x7c00u) == 0x7c00u ? 1.0 : 0.0; }
};

}  // namespace

template <class T>
Status count_non_finite(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_count_non_finite(dtype_of<T>(), out, x));
  Tensor partials;
  MR_RETURN_IF_ERROR(alloc_chunk_sums(context, x, &partials));
  if (planning(context)) return ok();
  return x.dtype == dtype_of<T>() ? add_chunk_sums<T>(context, out, x, partials, NotFinite{})
                                  : add_chunk_sums<float>(context, out, x, partials, NotFinite{});
}

MR_INSTANTIATE(count_non_finite, Context&, Tensor, Tensor);

}  // namespace millrace::cuda
