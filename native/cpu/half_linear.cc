// The products of a layer in the 16-bit formats. What is fused with them works on the f32 tile and is stored rounded.
#include "cpu/cpu_ops.h"
#include "cpu/half_gemm.h"
#include "cpu/half_ops.h"

namespace millrace::cpu {

namespace {

constexpr int64_t kBlock = 512;  // floats on the stack

// block(at, offset, values, count) over the tile's rows in stretches of at most kBlock: values are the elements from
// `at` on of a row-major tensor with `columns` columns.
template <class Block>
void for_blocks(const Tile& tile, float* values, int64_t columns, const Block& block) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    for (int64_t c = 0; c < tile.columns; c += kBlock) {
      block((tile.row + row) * columns + tile.column + c, tile.column + c, values + row * tile.columns + c,
            std::min(kBlock, tile.columns - c));
    }
  }
}

HalfGemm forward_of(const Tensor& x, const Tensor& w) {
  return HalfGemm{false, true, rows_of(x), w.dim(0), w.dim(1), x, w};
}

HalfGemm backward_input_of(const Tensor& dy, const Tensor& w) {
  return HalfGemm{false, false, rows_of(dy), w.dim(1), w.dim(0), dy, w};
}

auto gelu_kernel(Gelu kind) { return kind == Gelu::kTanh ? kernels().gelu_tanh : kernels().gelu_erf; }

}  // namespace

template <DType kType>
Status HalfOps<kType>::linear_forward(Context& context, Tensor y, Tensor x, Tensor w, Tensor bias) {
  MR_RETURN_IF_ERROR(check_linear_forward(kType, y, x, w, bias));
  Widened wide(context);
  const Tensor bias_32 = wide.in(bias);
  return wide.run([&] {
    return half_gemm(context, forward_of(x, w), [&](const Tile& tile, float* values) {
      for_blocks(tile, values, w.dim(0), [&](int64_t at, int64_t column, float* sums, int64_t count) {
        if (!bias_32.empty()) kernels().add(sums, bias_32.as<float>() + column, count);
        narrow_range(y, sums, at, count);
      });
    });
  });
}

template <DType kType>
Status HalfOps<kType>::linear_gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre, Tensor x, Tensor w,
                                           Tensor bias) {
  MR_RETURN_IF_ERROR(check_linear_forward(kType, y, x, w, bias));
  MR_RETURN_IF_ERROR(check_same(kType, y, pre));
  Widened wide(context);
  const Tensor bias_32 = wide.in(bias);
  return wide.run([&] {
    return half_gemm(context, forward_of(x, w), [&](const Tile& tile, float* values) {
      for_blocks(tile, values, w.dim(0), [&](int64_t at, int64_t column, float* sums, int64_t count) {
        float activated[kBlock];
        if (!bias_32.empty()) kernels().add(sums, bias_32.as<float>() + column, count);
        narrow_range(pre, sums, at, count);
        widen_range(sums, pre, at, count);
        gelu_kernel(kind)(activated, sums, nullptr, count);
        narrow_range(y, activated, at, count);
      });
    });
  });
}

template <DType kType>
Status HalfOps<kType>::gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre) {
  MR_RETURN_IF_ERROR(check_same(kType, y, pre));
  if (planning(context)) return ok();
  for_ranges(context, y.num_elements(), kBlock, [&](int64_t begin, int64_t end) {
    float values[kBlock], activated[kBlock];
    widen_range(values, pre, begin, end - begin);
    gelu_kernel(kind)(activated, values, nullptr, end - begin);
    narrow_range(y, activated, begin, end - begin);
  });
  return ok();
}

template <DType kType>
Status HalfOps<kType>::linear_backward_input(Context& context, Tensor dx, Tensor dy, Tensor w, bool accumulate) {
  MR_RETURN_IF_ERROR(check_linear_backward_input(kType, dx, dy, w));
  return half_gemm(context, backward_input_of(dy, w), [&](const Tile& tile, float* values) {
    for_blocks(tile, values, w.dim(1), [&](int64_t at, int64_t, float* sums, int64_t count) {
      if (accumulate) {
        float before[kBlock];
        widen_range(before, dx, at, count);
        kernels().add(sums, before, count);
      }
      narrow_range(dx, sums, at, count);
    });
  });
}

template <DType kType>
Status HalfOps<kType>::linear_gelu_backward_input(Context& context, Gelu kind, Tensor dpre, Tensor dy, Tensor w,
                                                  Tensor pre) {
  MR_RETURN_IF_ERROR(check_linear_backward_input(kType, dpre, dy, w));
  MR_RETURN_IF_ERROR(check_same(kType, dpre, pre));
  const auto backward = kind == Gelu::kTanh ? kernels().gelu_tanh_backward : kernels().gelu_erf_backward;
  return half_gemm(context, backward_input_of(dy, w), [&](const Tile& tile, float* values) {
    for_blocks(tile, values, w.dim(1), [&](int64_t at, int64_t, float* sums, int64_t count) {
      float before[kBlock];
      widen_range(before, pre, at, count);
      backward(sums, before, count);
      narrow_range(dpre, sums, at, count);
    });
  });
}

template <DType kType>
Status HalfOps<kType>::linear_backward_weight(Context& context, Tensor dw, Tensor dbias, Tensor dy, Tensor x) {
  MR_RETURN_IF_ERROR(check_linear_backward_weight(kType, dw, dbias, dy, x));
  const int64_t num_rows = rows_of(x);
  const int64_t num_out = dw.dim(0);
  const HalfGemm gemm{true, false, num_out, dw.dim(1), num_rows, dy, x};
  MR_RETURN_IF_ERROR(half_gemm(context, gemm, [&](const Tile& tile, float* values) {
    for_blocks(tile, values, dw.dim(1), [&](int64_t at, int64_t, float* sums, int64_t count) {
      kernels().add(dw.as<float>() + at, sums, count);
    });
  }));
  if (dbias.shape.rank == 0 || planning(context)) return ok();
  // A thread owns columns and adds all rows, so the sum has one order whatever the pool.
  for_ranges(context, num_out, kBlock, [&](int64_t begin, int64_t end) {
    float row[kBlock];
    for (int64_t n = 0; n < num_rows; ++n) {
      widen_range(row, dy, n * num_out + begin, end - begin);
      kernels().add(dbias.as<float>() + begin, row, end - begin);
    }
  });
  return ok();
}

MR_INSTANTIATE(linear_forward, Context&, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(linear_gelu_forward, Context&, Gelu, Tensor, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(gelu_forward, Context&, Gelu, Tensor, Tensor);
MR_INSTANTIATE(linear_backward_input, Context&, Tensor, Tensor, Tensor, bool);
MR_INSTANTIATE(linear_gelu_backward_input, Context&, Gelu, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(linear_backward_weight, Context&, Tensor, Tensor, Tensor, Tensor);

}  // namespace millrace::cpu
