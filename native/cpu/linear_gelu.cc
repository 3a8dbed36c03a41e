#include "cpu/cpu_ops.h"
#include "cpu/gemm.h"

namespace millrace::cpu {

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
  const auto gelu = kind == Gelu::kTanh ? kernels().gelu_tanh : kernels().gelu_erf;
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
