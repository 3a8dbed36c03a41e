// A layer and GELU: in one kernel of the library where that is the tanh form and the fastest, else one after the other.
#include "cuda/cuda_ops.h"
#include "cuda/gelu.h"
#include "cuda/linear.h"
#include "cuda/octet.h"

namespace millrace::cuda {

namespace {

// The library's GELU is the tanh form, and nothing says how exact its tanh is: enough for 16 bits, not for f32.
template <class T>
constexpr bool library_may_take(Gelu kind) {
  return kind == Gelu::kTanh && sizeof(T) == 2;
}

// dpre *= gelu'(pre).
template <Gelu kKind, class T>
__global__ void gelu_backward_kernel(T* dpre, const T* pre, int64_t count, bool aligned) {
  for (int64_t i = first_octet(); i < count; i += octet_stride()) {
    float gradient[kOctet], at[kOctet];
    widen(gradient, load_octet(dpre + i, count - i, aligned));
    widen(at, load_octet(pre + i, count - i, aligned));
#pragma unroll
    for (int k = 0; k < kOctet; ++k) gradient[k] *= gelu_derivative<kKind>(at[k]);
    store_octet(dpre + i, narrow<T>(gradient), count - i, aligned);
  }
}

template <class T>
Status gelu_backward(Context& context, Gelu kind, Tensor dpre, Tensor pre) {
  const int64_t count = dpre.num_elements();
  const auto kernel = kind == Gelu::kTanh ? gelu_backward_kernel<Gelu::kTanh, T> : gelu_backward_kernel<Gelu::kErf, T>;
  return launch(context, kernel, flat_grid(count), kFlatThreads, 0, dpre.as<T>(), pre.as<T>(), count,
                aligned16(dpre.data) && aligned16(pre.data));
}

}  // namespace

template <class T>
Status linear_gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias) {
  MR_RETURN_IF_ERROR(check_linear_forward(dtype_of<T>(), y, x, w, bias));
  MR_RETURN_IF_ERROR(check_same(dtype_of<T>(), y, pre));
  bool prefer = false;
  Gemm fused = forward_gemm(y, x, w);
  // The library's GELU is of sums that are not rounded yet: other bits than of what is kept.
  if (library_may_take<T>(kind) && !bias.empty() && !context.gelu_recomputed) {
    Gemm plain = forward_gemm(pre, x, w);
    plain.epilogue = Epilogue::kBias;
    plain.vector = bias.data;
    fused.epilogue = Epilogue::kGelu;
    fused.vector = bias.data;
    fused.aux = pre.data;
    MR_RETURN_IF_ERROR(prefer_fused(
        context, fused, plain, [&] { return gelu_forward<T>(context, kind, y, pre); }, &prefer));
  }
  if (prefer) return gemm(context, fused);
  MR_RETURN_IF_ERROR(linear_forward<T>(context, pre, x, w, bias));
  return gelu_forward<T>(context, kind, y, pre);
}

template <class T>
Status linear_gelu_backward_input(Context& context, Gelu kind, Tensor dpre, Tensor dy, Tensor w, Tensor pre) {
  MR_RETURN_IF_ERROR(check_linear_backward_input(dtype_of<T>(), dpre, dy, w));
  MR_RETURN_IF_ERROR(check_same(dtype_of<T>(), dpre, pre));
  bool prefer = false;
  const Gemm plain = backward_input_gemm(dpre, dy, w);
  Gemm fused = plain;
  fused.epilogue = Epilogue::kGeluBackward;
  fused.aux = pre.data;
  if (library_may_take<T>(kind)) {
    MR_RETURN_IF_ERROR(prefer_fused(
        context, fused, plain, [&] { return gelu_backward<T>(context, kind, dpre, pre); }, &prefer));
  }
  MR_RETURN_IF_ERROR(gemm(context, prefer ? fused : plain));
  return prefer || planning(context) ? ok() : gelu_backward<T>(context, kind, dpre, pre);
}

MR_INSTANTIATE(linear_gelu_forward, Context&, Gelu, Tensor, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(linear_gelu_backward_input, Context&, Gelu, Tensor, Tensor, Tensor, Tensor);

}  // namespace millrace::cuda
