#include "cpu/cpu_ops.h"
#include "cpu/gemm.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

namespace {

auto gelu_kernel(Gelu kind) { return kind == Gelu::kTanh ? kernels().gelu_tanh : kernels().gelu_erf; }

}  // namespace

// An element's GELU does not depend on its place in a vector, so the ranges need not be linear_gelu_forward's tiles.
Status gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre) {
  MR_RETURN_IF_ERROR(check_same(DType::kF32, y, pre));
  if (planning(context)) return ok();
  const auto gelu = gelu_kernel(kind);
  for_ranges(context, y.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    gelu(y.as<float>() + begin, pre.as<float>() + begin, nullptr, end - begin);
  });
  return ok();
}

Status linear_gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias) {
  MR_RETURN_IF_ERROR(check_linear_forward(DType::kF32, y, x, w, bias));
  MR_RETURN_IF_ERROR(check_same(DType::kF32, y, pre));
  if (planning(context)) return ok();
  const int64_t num_out = w.dim(0);
  Gemm gemm;
  gemm.transpose_b = true;
  gemm.m = rows_of(x);
  gemm.n = num_out;
  gemm.k = w.dim(1);
  gemm.a = x.as<float>();
  gemm.lda = w.dim(1);
  gemm.b = w.as<float>();
  gemm.ldb = w.dim(1);
  gemm.c = pre.as<float>();
  gemm.ldc = num_out;
  const auto gelu = gelu_kernel(kind);
  gemm_parallel(context, gemm, true, [&](const Tile& tile) {
    for (int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
      const int64_t begin = row * num_out + tile.column;
      gelu(y.as<float>() + begin, pre.as<float>() + begin, bias.empty() ? nullptr : bias.as<float>() + tile.column,
           tile.columns);
    }
  });
  return ok();
}

Status linear_gelu_backward_input(Context& context, Gelu kind, Tensor dpre, Tensor dy, Tensor w, Tensor pre) {
  MR_RETURN_IF_ERROR(check_linear_backward_input(DType::kF32, dpre, dy, w));
  MR_RETURN_IF_ERROR(check_same(DType::kF32, dpre, pre));
  if (planning(context)) return ok();
  const int64_t num_in = w.dim(1);
  Gemm gemm;
  gemm.m = rows_of(dpre);
  gemm.n = num_in;
  gemm.k = w.dim(0);
  gemm.a = dy.as<float>();
  gemm.lda = w.dim(0);
  gemm.b = w.as<float>();
  gemm.ldb = num_in;
  gemm.c = dpre.as<float>();
  gemm.ldc = num_in;
  const auto backward = kind == Gelu::kTanh ? kernels().gelu_tanh_backward : kernels().gelu_erf_backward;
  gemm_parallel(context, gemm, true, [&](const Tile& tile) {
    for (int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
      const int64_t begin = row * num_in + tile.column;
      backward(dpre.as<float>() + begin, pre.as<float>() + begin, tile.columns);
    }
  });
  return ok();
}

}  // namespace millrace::cpu
