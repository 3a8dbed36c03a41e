#include "cuda/chunk_sums.h"
#include "cuda/cuda_ops.h"

namespace millrace::cuda {

namespace {

struct Value {
  template <class X>
  __device__ __forceinline__ double operator()(X x) const {
    return static_cast<double>(x);
  }
};

}  // namespace

template <class T>
Status sum(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum(dtype_of<T>(), out, x));
  Tensor partials;
  MR_RETURN_IF_ERROR(alloc_chunk_sums(context, x, &partials));
  if (planning(context)) return ok();
  return x.dtype == DType::kF64 ? add_chunk_sums<double>(context, out, x, partials, Value{})
                                : add_chunk_sums<float>(context, out, x, partials, Value{});
}

MR_INSTANTIATE(sum, Context&, Tensor, Tensor);

}  // namespace millrace::cuda
