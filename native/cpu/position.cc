#include "cpu/cpu_ops.h"
#include "cpu/row_mask.h"

namespace millrace::cpu {

Status position_forward(Context& context, Tensor x, Tensor wpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_forward(DType::kF32, x, wpe));
  if (planning(context)) return ok();
  const int64_t time = x.dim(1);
  const int64_t num_columns = x.dim(2);
  const RowMask mask(dropout, time, num_columns);
  for_rows(context, x.dim(0) * time, num_columns, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      float* row = x.as<float>() + n * num_columns;
      kernels().add(row, wpe.as<float>() + n % time * num_columns, num_columns);
      mask.for_blocks(
          n, [&](int64_t c, int64_t count, const float* factor) { kernels().mask(row + c, row + c, factor, count); });
    }
  });
  return ok();
}

Status position_backward(Context& context, Tensor dx, Tensor dwpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_backward(DType::kF32, dx, dwpe));
  if (planning(context)) return ok();
  const int64_t time = dx.dim(1);
  const int64_t num_columns = dx.dim(2);
  const RowMask mask(dropout, time, num_columns);
  // A thread owns positions and adds all sequences, so the sum has one order whatever the pool.
  for_rows(context, time, dx.dim(0) * num_columns, [&](int64_t begin, int64_t end) {
    for (int64_t b = 0; b < dx.dim(0); ++b) {
      for (int64_t t = begin; t < end; ++t) {
        float* row = dx.as<float>() + (b * time + t) * num_columns;
        mask.for_blocks(b * time + t, [&](int64_t c, int64_t count, const float* factor) {
          kernels().mask(row + c, row + c, factor, count);
        });
        kernels().add(dwpe.as<float>() + t * num_columns, row, num_columns);
      }
    }
  });
  return ok();
}

}  // namespace millrace::cpu
