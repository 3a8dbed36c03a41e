// fill, add, maximum and scale of flat tensors: each tensor is read or written once.
#include <type_traits>

#include "cuda/cuda_ops.h"
#include "cuda/octet.h"

namespace millrace::cuda {

namespace {

// What becomes of y's value and x's.
struct Fill {
  static constexpr bool kReads = false, kReadsOther = false;
  float value;
  __device__ __forceinline__ float operator()(float, float) const { return value; }
};
struct AddTo {
  static constexpr bool kReads = true, kReadsOther = true;
  __device__ __forceinline__ float operator()(float y, float x) const { return y + x; }
};
struct TakeLarger {
  static constexpr bool kReads = true, kReadsOther = true;
  __device__ __forceinline__ float operator()(float y, float x) const { return x > y || x != x ? x : y; }
};
struct Scale {
  static constexpr bool kReads = true, kReadsOther = false;
  float value;
  __device__ __forceinline__ float operator()(float y, float) const { return y * value; }
};

template <class T, class Body>
__global__ void elementwise_kernel(T* y, const T* x, int64_t count, bool aligned, Body body) {
  for (int64_t i = first_octet(); i < count; i += octet_stride()) {
    float mine[kOctet] = {}, other[kOctet] = {};
    if constexpr (Body::kReads) widen(mine, load_octet<T>(y + i, count - i, aligned));
    if constexpr (Body::kReadsOther) widen(other, load_octet(x + i, count - i, aligned));
#pragma unroll
    for (int k = 0; k < kOctet; ++k) mine[k] = body(mine[k], other[k]);
    store_octet(y + i, narrow<T>(mine), count - i, aligned);
  }
}

template <class T, class Body>
Status run_elementwise(Context& context, const Tensor& y, const Tensor& x, const Body& body) {
  const int64_t count = y.num_elements();
  return launch(context, elementwise_kernel<T, Body>, flat_grid(count), kFlatThreads, 0, y.as<T>(), x.as<T>(), count,
                aligned16(y.data) && aligned16(x.data), body);
}

// y has T or its wide dtype, f32; x too, or is not given.
template <class T, class Body>
Status run_either(Context& context, const Tensor& y, const Tensor& x, const Body& body) {
  if (planning(context)) return ok();
  return y.dtype == dtype_of<T>() ? run_elementwise<T>(context, y, x, body)
                                  : run_elementwise<float>(context, y, x, body);
}

}  // namespace

template <class T>
Status fill(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), x));
  return run_either<T>(context, x, Tensor{}, Fill{static_cast<float>(value)});
}

template <class T>
Status add(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), y, x));
  return run_either<T>(context, y, x, AddTo{});
}

template <class T>
Status maximum(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), y, x));
  return run_either<T>(context, y, x, TakeLarger{});
}

template <class T>
Status scale(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_either(dtype_of<T>(), x));
  return run_either<T>(context, x, Tensor{}, Scale{static_cast<float>(value)});
}

MR_INSTANTIATE(fill, Context&, Tensor, double);
MR_INSTANTIATE(add, Context&, Tensor, Tensor);
MR_INSTANTIATE(maximum, Context&, Tensor, Tensor);
MR_INSTANTIATE(scale, Context&, Tensor, double);

}  // namespace millrace::cuda
