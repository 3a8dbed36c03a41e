#include "cuda/column_sums.h"
#include "cuda/cuda_ops.h"
#include "cuda/linear.h"
#include "cuda/octet.h"

namespace millrace::cuda {

namespace {

// y(rows,columns) += bias(columns), where the library cannot.
template <class T>
__global__ void add_bias_kernel(T* y, const T* bias, int64_t count, int64_t columns) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t i = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
    y[i] = from_float<T>(to_float(y[i]) + to_float(bias[i % columns]));
  }
}

// The product, and dbias by its epilogue if that is the faster way. sums(O): the library overwrites, the op
// accumulates.
template <class T>
Status weight_and_bias(Context& context, const Gemm& plain, Tensor dbias, Tensor dy, Tensor sums) {
  Gemm fused = plain;
  fused.epilogue = Epilogue::kLeftSums;
  fused.vector = sums.data;
  bool prefer = false;
  MR_RETURN_IF_ERROR(prefer_fused(
      context, fused, plain, [&] { return add_column_sums<T>(context, sums, dy); }, &prefer));
  MR_RETURN_IF_ERROR(gemm(context, prefer ? fused : plain));
  return prefer ? add<T>(context, dbias, sums) : add_column_sums<T>(context, dbias, dy);
}

}  // namespace

Gemm forward_gemm(Tensor y, Tensor x, Tensor w) {
  Gemm gemm;
  gemm.rows = rows_of(x);
  gemm.columns = w.dim(0);
  gemm.depth = w.dim(1);
  gemm.out = y;
  gemm.left = x;
  gemm.right = w;
  gemm.right_transposed = true;
  return gemm;
}

Gemm backward_input_gemm(Tensor dx, Tensor dy, Tensor w) {
  Gemm gemm;
  gemm.rows = rows_of(dx);
  gemm.columns = w.dim(1);
  gemm.depth = w.dim(0);
  gemm.out = dx;
  gemm.left = dy;
  gemm.right = w;
  return gemm;
}

template <class T>
Status linear_forward(Context& context, Tensor y, Tensor x, Tensor w, Tensor bias) {
  MR_RETURN_IF_ERROR(check_linear_forward(dtype_of<T>(), y, x, w, bias));
  const Gemm plain = forward_gemm(y, x, w);
  if (planning(context) || bias.empty()) return gemm(context, plain);
  Gemm fused = plain;
  fused.epilogue = Epilogue::kBias;
  fused.vector = bias.data;
  bool offered = false;
  MR_RETURN_IF_ERROR(gemm_offers(context, fused, &offered));
  if (offered) return gemm(context, fused);
  MR_RETURN_IF_ERROR(gemm(context, plain));
  const int64_t count = y.num_elements();
  return launch(context, add_bias_kernel<T>, flat_grid(count), kFlatThreads, 0, y.as<T>(), bias.as<T>(), count,
                plain.columns);
}

template <class T>
Status linear_backward_input(Context& context, Tensor dx, Tensor dy, Tensor w, bool accumulate) {
  MR_RETURN_IF_ERROR(check_linear_backward_input(dtype_of<T>(), dx, dy, w));
  Gemm product = backward_input_gemm(dx, dy, w);
  product.accumulate = accumulate;
  return gemm(context, product);
}

template <class T>
Status linear_backward_weight(Context& context, Tensor dw, Tensor dbias, Tensor dy, Tensor x) {
  MR_RETURN_IF_ERROR(check_linear_backward_weight(dtype_of<T>(), dw, dbias, dy, x));
  Gemm plain;
  plain.rows = dw.dim(0);
  plain.columns = dw.dim(1);
  plain.depth = rows_of(x);
  plain.out = dw;
  plain.left = dy;
  plain.left_transposed = true;
  plain.right = x;
  plain.accumulate = true;
  const bool with_bias = dbias.shape.rank != 0;
  // In f32 dbias has to be as exact as f32 allows, which the library does not promise of its sums.
  if (!with_bias || sizeof(T) == sizeof(float)) {
    MR_RETURN_IF_ERROR(gemm(context, plain));
    return with_bias ? add_column_sums<T>(context, dbias, dy) : ok();
  }
  Tensor sums;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF32, Shape(plain.rows), &sums));
  const Status status = weight_and_bias<T>(context, plain, dbias, dy, sums);
  context.scratch->release(mark);
  return status;
}

MR_INSTANTIATE(linear_forward, Context&, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(linear_backward_input, Context&, Tensor, Tensor, Tensor, bool);
MR_INSTANTIATE(linear_backward_weight, Context&, Tensor, Tensor, Tensor, Tensor);

}  // namespace millrace::cuda
