#include <algorithm>

#include "cpu/cpu_ops.h"
#include "cpu/gemm.h"

namespace millrace::cpu {

namespace {

// sums(columns) += the sum of x(rows,columns) over its rows. A thread owns columns and adds all rows, so the sum has
// one order whatever the pool. Blocks of rows have partial sums, added in double: in one float, 512 rows are already
// off by five times what PyTorch's sum is.
void add_row_sums(Context& context, float* sums, const float* x, int64_t rows, int64_t columns) {
  constexpr int64_t kColumns = 256;
  constexpr int64_t kBlockRows = 32;
  const int64_t num_pieces = (columns + kColumns - 1) / kColumns;
  for_ranges(context, num_pieces, 1, [&](int64_t first, int64_t last) {
    for (int64_t piece = first; piece < last; ++piece) {
      const int64_t begin = piece * kColumns;
      const int64_t count = std::min(kColumns, columns - begin);
      double total[kColumns] = {};
      float partial[kColumns];
      for (int64_t block = 0; block < rows; block += kBlockRows) {
        std::fill_n(partial, count, 0.0f);
        for (int64_t n = block; n < std::min(rows, block + kBlockRows); ++n) {
          kernels().add(partial, x + n * columns + begin, count);
        }
        for (int64_t i = 0; i < count; ++i) total[i] += static_cast<double>(partial[i]);
      }
      for (int64_t i = 0; i < count; ++i) sums[begin + i] += static_cast<float>(total[i]);
    }
  });
}

}  // namespace

Status linear_forward(Context& context, Tensor y, Tensor x, Tensor w, Tensor bias) {
  MR_RETURN_IF_ERROR(check_linear_forward(DType::kF32, y, x, w, bias));
  if (planning(context)) return ok();
  const int64_t num_out = w.dim(0);
  const int64_t num_in = w.dim(1);
  Gemm gemm;
  gemm.transpose_b = true;
  gemm.m = rows_of(x);
  gemm.n = num_out;
  gemm.k = num_in;
  gemm.a = x.as<float>();
  gemm.lda = num_in;
  gemm.b = w.as<float>();
  gemm.ldb = num_in;
  gemm.c = y.as<float>();
  gemm.ldc = num_out;
  if (bias.empty()) {
    gemm_parallel(context, gemm);
    return ok();
  }
  gemm_parallel(context, gemm, true, [&](const Tile& tile) {
    for (int64_t row = tile.row; row < tile.row + tile.rows; ++row) {
      kernels().add(gemm.c + row * num_out + tile.column, bias.as<float>() + tile.column, tile.columns);
    }
  });
  return ok();
}

Status linear_backward_input(Context& context, Tensor dx, Tensor dy, Tensor w, bool accumulate) {
  MR_RETURN_IF_ERROR(check_linear_backward_input(DType::kF32, dx, dy, w));
  if (planning(context)) return ok();
  Gemm gemm;
  gemm.m = rows_of(dx);
  gemm.n = w.dim(1);
  gemm.k = w.dim(0);
  gemm.a = dy.as<float>();
  gemm.lda = w.dim(0);
  gemm.b = w.as<float>();
  gemm.ldb = w.dim(1);
  gemm.c = dx.as<float>();
  gemm.ldc = w.dim(1);
  gemm.beta = accumulate ? 1.0f : 0.0f;
  gemm_parallel(context, gemm);
  return ok();
}

Status linear_backward_weight(Context& context, Tensor dw, Tensor dbias, Tensor dy, Tensor x) {
  MR_RETURN_IF_ERROR(check_linear_backward_weight(DType::kF32, dw, dbias, dy, x));
  if (planning(context)) return ok();
  const int64_t num_rows = rows_of(x);
  const int64_t num_out = dw.dim(0);
  Gemm gemm;
  gemm.transpose_a = true;
  gemm.m = num_out;
  gemm.n = dw.dim(1);
  gemm.k = num_rows;
  gemm.a = dy.as<float>();
  gemm.lda = num_out;
  gemm.b = x.as<float>();
  gemm.ldb = dw.dim(1);
  gemm.c = dw.as<float>();
  gemm.ldc = dw.dim(1);
  gemm.beta = 1.0f;
  gemm_parallel(context, gemm);
  if (dbias.empty()) return ok();
  add_row_sums(context, dbias.as<float>(), dy.as<float>(), num_rows, num_out);
  return ok();
}

}  // namespace millrace::cpu
