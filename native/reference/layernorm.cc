#include <cmath>

#include "reference/column_sums.h"
#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::layernorm_forward(Context& context, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma,
                                 Tensor beta, double epsilon) {
  MR_RETURN_IF_ERROR(check_layernorm_forward(dtype_of<T>(), y, mean, rstd, x, gamma, beta));
  if (planning(context)) return ok();
  const int64_t num_columns = columns_of(x);
  for (int64_t n = 0; n < rows_of(x); ++n) {
    const T* x_row = x.as<T>() + n * num_columns;
    T* y_row = y.as<T>() + n * num_columns;
    double sum = 0.0;
    for (int64_t c = 0; c < num_columns; ++c) sum += x_row[c];
    const double row_mean = sum / static_cast<double>(num_columns);
    double sum_squares = 0.0;
    for (int64_t c = 0; c < num_columns; ++c) sum_squares += (x_row[c] - row_mean) * (x_row[c] - row_mean);
    const double row_rstd = 1.0 / std::sqrt(sum_squares / static_cast<double>(num_columns) + epsilon);
    for (int64_t c = 0; c < num_columns; ++c) {
      y_row[c] = static_cast<T>((x_row[c] - row_mean) * row_rstd * gamma.as<T>()[c] + beta.as<T>()[c]);
    }
    mean.as<Wide<T>>()[n] = static_cast<Wide<T>>(row_mean);
    rstd.as<Wide<T>>()[n] = static_cast<Wide<T>>(row_rstd);
    tick(context);
  }
  return ok();
}

// With xhat = (x - mean) * rstd and g = dy * gamma: dx = rstd * (g - mean(g) - xhat * mean(g * xhat)).
template <class T>
Status Ops<T>::layernorm_backward(Context& context, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x,
                                  Tensor mean, Tensor rstd, Tensor gamma) {
  MR_RETURN_IF_ERROR(check_layernorm_backward(dtype_of<T>(), dx, dgamma, dbeta, dy, x, mean, rstd, gamma));
  if (planning(context)) return ok();
  const int64_t num_columns = columns_of(x);
  for (int64_t n = 0; n < rows_of(x); ++n) {
    const T* x_row = x.as<T>() + n * num_columns;
    const T* dy_row = dy.as<T>() + n * num_columns;
    T* dx_row = dx.as<T>() + n * num_columns;
    const double row_mean = mean.as<Wide<T>>()[n];
    const double row_rstd = rstd.as<Wide<T>>()[n];
    double sum_g = 0.0;
    double sum_g_xhat = 0.0;
    for (int64_t c = 0; c < num_columns; ++c) {
      const double xhat = (x_row[c] - row_mean) * row_rstd;
      const double g = static_cast<double>(dy_row[c]) * gamma.as<T>()[c];
      sum_g += g;
      sum_g_xhat += g * xhat;
    }
    const double mean_g = sum_g / static_cast<double>(num_columns);
    const double mean_g_xhat = sum_g_xhat / static_cast<double>(num_columns);
    for (int64_t c = 0; c < num_columns; ++c) {
      const double xhat = (x_row[c] - row_mean) * row_rstd;
      const double g = static_cast<double>(dy_row[c]) * gamma.as<T>()[c];
      dx_row[c] = static_cast<T>(dx_row[c] + row_rstd * (g - mean_g - xhat * mean_g_xhat));
    }
    tick(context);
  }
  const auto dy_at = [&](int64_t n, int64_t c) { return static_cast<double>(dy.as<T>()[n * num_columns + c]); };
  add_column_sums(dbeta.as<Wide<T>>(), rows_of(x), num_columns, dy_at);
  add_column_sums(dgamma.as<Wide<T>>(), rows_of(x), num_columns, [&](int64_t n, int64_t c) {
    const double row_mean = mean.as<Wide<T>>()[n];
    return dy_at(n, c) * (x.as<T>()[n * num_columns + c] - row_mean) * rstd.as<Wide<T>>()[n];
  });
  return ok();
}

MR_INSTANTIATE(layernorm_forward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, double);
MR_INSTANTIATE(layernorm_backward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor);

}  // namespace millrace::reference
