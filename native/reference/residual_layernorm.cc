#include "reference/column_sums.h"
#include "reference/reference_ops.h"

namespace millrace::reference {

double dropout_factor(const Dropout& dropout, int64_t element) {
  if (dropout.p == 0.0f) return 1.0;
  if (philox_word(dropout.keyed(), static_cast<uint64_t>(element)) < dropout.threshold()) return 0.0;
  return 1.0 / (1.0 - static_cast<double>(dropout.p));
}

template <class T>
Status Ops<T>::residual_layernorm_forward(Context& context, Tensor r, Tensor y, Tensor mean, Tensor rstd,
                                          Tensor residual, Tensor x, Tensor bias, Tensor gamma, Tensor beta,
                                          double epsilon, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_residual_layernorm_forward(dtype_of<T>(), r, y, mean, rstd, residual, x, bias, gamma, beta));
  if (planning(context)) return ok();
  const int64_t num_columns = r.dim(2);
  const int64_t sample_size = r.dim(1) * num_columns;
  for (int64_t b = 0; b < r.dim(0); ++b) {
    const int64_t sample_begin = dropout.p == 0.0f ? 0 : dropout.sample[b] * sample_size;
    for (int64_t i = 0; i < sample_size; ++i) {
      const int64_t e = b * sample_size + i;
      const double added = x.as<T>()[e] + (bias.empty() ? 0.0 : static_cast<double>(bias.as<T>()[i % num_columns]));
      r.as<T>()[e] = static_cast<T>(residual.as<T>()[e] + dropout_factor(dropout, sample_begin + i) * added);
    }
    tick(context);
  }
  return y.empty() ? ok() : layernorm_forward(context, y, mean, rstd, r, gamma, beta, epsilon);
}

template <class T>
Status Ops<T>::bias_dropout_backward(Context& context, Tensor dx, Tensor dbias, Tensor dr, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_bias_dropout_backward(dtype_of<T>(), dx, dbias, dr));
  if (planning(context)) return ok();
  const int64_t num_columns = dr.dim(2);
  const int64_t sample_size = dr.dim(1) * num_columns;
  for (int64_t b = 0; b < dr.dim(0); ++b) {
    const int64_t sample_begin = dropout.p == 0.0f ? 0 : dropout.sample[b] * sample_size;
    for (int64_t i = 0; i < sample_size; ++i) {
      const int64_t e = b * sample_size + i;
      dx.as<T>()[e] = static_cast<T>(dropout_factor(dropout, sample_begin + i) * dr.as<T>()[e]);
    }
    tick(context);
  }
  if (dbias.empty()) return ok();
  add_column_sums(dbias.as<Wide<T>>(), dr.dim(0) * dr.dim(1), num_columns,
                  [&](int64_t n, int64_t c) { return dx.as<T>()[n * num_columns + c]; });
  return ok();
}

MR_INSTANTIATE(residual_layernorm_forward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor,
               Tensor, double, const Dropout&);
MR_INSTANTIATE(bias_dropout_backward, Context&, Tensor, Tensor, Tensor, const Dropout&);

}  // namespace millrace::reference
