#include "reference/column_sums.h"
#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::linear_forward(Context& context, Tensor y, Tensor x, Tensor w, Tensor bias) {
  MR_RETURN_IF_ERROR(check_linear_forward(dtype_of<T>(), y, x, w, bias));
  if (planning(context)) return ok();
  const int64_t num_out = w.dim(0);
  const int64_t num_in = w.dim(1);
  for (int64_t n = 0; n < rows_of(x); ++n) {
    const T* x_row = x.as<T>() + n * num_in;
    for (int64_t o = 0; o < num_out; ++o) {
      const T* w_row = w.as<T>() + o * num_in;
      double sum = bias.empty() ? 0.0 : static_cast<double>(bias.as<T>()[o]);
      for (int64_t i = 0; i < num_in; ++i) sum += static_cast<double>(x_row[i]) * static_cast<double>(w_row[i]);
      y.as<T>()[n * num_out + o] = static_cast<T>(sum);
    }
    tick(context);
  }
  return ok();
}

template <class T>
Status Ops<T>::linear_backward_input(Context& context, Tensor dx, Tensor dy, Tensor w, bool accumulate) {
  MR_RETURN_IF_ERROR(check_linear_backward_input(dtype_of<T>(), dx, dy, w));
  const int64_t num_out = w.dim(0);
  const int64_t num_in = w.dim(1);
  Tensor row;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF64, Shape(num_in), &row));
  context.scratch->release(mark);
  if (planning(context)) return ok();
  double* sum = row.as<double>();
  for (int64_t n = 0; n < rows_of(dx); ++n) {
    T* dx_row = dx.as<T>() + n * num_in;
    for (int64_t i = 0; i < num_in; ++i) sum[i] = accumulate ? static_cast<double>(dx_row[i]) : 0.0;
    for (int64_t o = 0; o < num_out; ++o) {
      const double dy_value = static_cast<double>(dy.as<T>()[n * num_out + o]);
      const T* w_row = w.as<T>() + o * num_in;
      for (int64_t i = 0; i < num_in; ++i) sum[i] += dy_value * static_cast<double>(w_row[i]);
    }
    for (int64_t i = 0; i < num_in; ++i) dx_row[i] = static_cast<T>(sum[i]);
    tick(context);
  }
  return ok();
}

template <class T>
Status Ops<T>::linear_backward_weight(Context& context, Tensor dw, Tensor dbias, Tensor dy, Tensor x) {
  MR_RETURN_IF_ERROR(check_linear_backward_weight(dtype_of<T>(), dw, dbias, dy, x));
  if (planning(context)) return ok();
  const int64_t num_out = dw.dim(0);
  const int64_t num_in = dw.dim(1);
  for (int64_t n = 0; n < rows_of(x); ++n) {
    const T* x_row = x.as<T>() + n * num_in;
    for (int64_t o = 0; o < num_out; ++o) {
      const Wide<T> dy_value = dy.as<T>()[n * num_out + o];
      Wide<T>* dw_row = dw.as<Wide<T>>() + o * num_in;
      for (int64_t i = 0; i < num_in; ++i) dw_row[i] += dy_value * x_row[i];
    }
    tick(context);
  }
  if (dbias.empty()) return ok();
  add_column_sums(dbias.as<Wide<T>>(), rows_of(dy), num_out,
                  [&](int64_t n, int64_t o) { return dy.as<T>()[n * num_out + o]; });
  return ok();
}

MR_INSTANTIATE(linear_forward, Context&, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(linear_backward_input, Context&, Tensor, Tensor, Tensor, bool);
MR_INSTANTIATE(linear_backward_weight, Context&, Tensor, Tensor, Tensor, Tensor);

}  // namespace millrace::reference
