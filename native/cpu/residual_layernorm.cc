#include "cpu/column_sums.h"
#include "cpu/cpu_ops.h"
#include "cpu/row_mask.h"

namespace millrace::cpu {

Status residual_layernorm_forward(Context& context, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual,
                                  Tensor x, Tensor bias, Tensor gamma, Tensor beta, double epsilon,
                                  const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_residual_layernorm_forward(DType::kF32, r, y, mean, rstd, residual, x, bias, gamma, beta));
  if (planning(context)) return ok();
  const int64_t num_columns = r.dim(2);
  const RowMask mask(dropout, r.dim(1), num_columns);
  for_rows(context, r.dim(0) * r.dim(1), num_columns, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t e = n * num_columns;
      float* r_row = r.as<float>() + e;
      mask.for_blocks(n, [&](int64_t c, int64_t count, const float* factor) {
        kernels().residual(r_row + c, residual.as<float>() + e + c, x.as<float>() + e + c,
                           bias.empty() ? nullptr : bias.as<float>() + c, factor, count);
      });
      if (y.empty()) continue;
      kernels().layernorm(y.as<float>() + e, mean.as<float>() + n, rstd.as<float>() + n, r_row, gamma.as<float>(),
                          beta.as<float>(), num_columns, static_cast<float>(epsilon));
    }
  });
  return ok();
}

Status bias_dropout_backward(Context& context, Tensor dx, Tensor dbias, Tensor dr, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_bias_dropout_backward(DType::kF32, dx, dbias, dr));
  const int64_t num_columns = dr.dim(2);
  const RowMask mask(dropout, dr.dim(1), num_columns);
  const bool with_bias = dbias.shape.rank != 0;
  float* const sums[] = {dbias.as<float>()};
  return with_column_sums(context, dr.dim(0) * dr.dim(1), num_columns, sums, with_bias ? 1 : 0,
                          [&](int64_t n, float* partial) {
                            float* dx_row = dx.as<float>() + n * num_columns;
                            mask.for_blocks(n, [&](int64_t c, int64_t count, const float* factor) {
                              kernels().mask(dx_row + c, dr.as<float>() + n * num_columns + c, factor, count);
                            });
                            if (with_bias) kernels().add(partial, dx_row, num_columns);
                          });
}

}  // namespace millrace::cpu
