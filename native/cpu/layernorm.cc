#include <algorithm>

#include "cpu/column_sums.h"
#include "cpu/cpu_ops.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

Status layernorm_forward(Context& context, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta,
                         double epsilon) {
  MR_RETURN_IF_ERROR(check_layernorm_forward(DType::kF32, y, mean, rstd, x, gamma, beta));
  if (planning(context)) return ok();
  const int64_t num_columns = columns_of(x);
  for_rows(context, rows_of(x), num_columns, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      kernels().layernorm(y.as<float>() + n * num_columns, mean.as<float>() + n, rstd.as<float>() + n,
                          x.as<float>() + n * num_columns, gamma.as<float>(), beta.as<float>(), num_columns,
                          static_cast<float>(epsilon));
    }
  });
  return ok();
}

Status layernorm_backward(Context& context, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                          Tensor rstd, Tensor gamma) {
  MR_RETURN_IF_ERROR(check_layernorm_backward(DType::kF32, dx, dgamma, dbeta, dy, x, mean, rstd, gamma));
  const int64_t num_columns = columns_of(x);
  float* const sums[] = {dgamma.as<float>(), dbeta.as<float>()};
  return with_column_sums(context, rows_of(x), num_columns, sums, 2, [&](int64_t n, float* partial) {
    kernels().layernorm_backward(dx.as<float>() + n * num_columns, partial, partial + num_columns,
                                 dy.as<float>() + n * num_columns, x.as<float>() + n * num_columns, gamma.as<float>(),
                                 num_columns, mean.as<float>()[n], rstd.as<float>()[n]);
  });
}

}  // namespace millrace::cpu
