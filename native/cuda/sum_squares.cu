#include "cuda/chunk_sums.h"
#include "cuda/cuda_ops.h"

namespace millrace::cuda {

namespace {

struct Square {
  __device__ __forceinline__ double operator()(float x) const {
    return static_cast<double>(x) * static_cast<double>(x);
  }
};

}  // namespace

template <class T>
Status sum_squares(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum_squares(dtype_of<T>(), out, x));
  Tensor partials;
  MR_RETURN_IF_ERROR(alloc_chunk_sums(context, x, &partials));
  return planning(context) ? ok() : add_chunk_sums<float>(context, out, x, partials, Square{});
}

MR_INSTANTIATE(sum_squares, Context&, Tensor, Tensor);

}  // namespace millrace::cuda
