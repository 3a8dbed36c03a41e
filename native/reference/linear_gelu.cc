#include <cmath>

#include "reference/reference_ops.h"

namespace millrace::reference {

namespace {

constexpr double kSqrtTwoOverPi = 0.79788456080286535588;
constexpr double kSqrtHalf = 0.70710678118654752440;
constexpr double kOneOverSqrtTwoPi = 0.39894228040143267794;
constexpr double kCubic = 0.044715;  // Hendrycks and Gimpel, "Gaussian error linear units"

}  // namespace

double gelu(Gelu kind, double x) {
  if (kind == Gelu::kErf) return 0.5 * x * (1.0 + std::erf(x * kSqrtHalf));
  return 0.5 * x * (1.0 + std::tanh(kSqrtTwoOverPi * (x + kCubic * x * x * x)));
}

double gelu_derivative(Gelu kind, double x) {
  if (kind == Gelu::kErf) return 0.5 * (1.0 + std::erf(x * kSqrtHalf)) + x * kOneOverSqrtTwoPi * std::exp(-0.5 * x * x);
  const double t = std::tanh(kSqrtTwoOverPi * (x + kCubic * x * x * x));
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * kSqrtTwoOverPi * (1.0 + 3.0 * kCubic * x * x);
}

template <class T>
Status Ops<T>::gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre) {
  MR_RETURN_IF_ERROR(check_same(dtype_of<T>(), y, pre));
  if (planning(context)) return ok();
  for_elements(context, y.num_elements(),
               [&](int64_t i) { y.as<T>()[i] = static_cast<T>(gelu(kind, pre.as<T>()[i])); });
  return ok();
}

template <class T>
Status Ops<T>::linear_gelu_forward(Context& context, Gelu kind, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias) {
  MR_RETURN_IF_ERROR(linear_forward(context, pre, x, w, bias));
  return gelu_forward(context, kind, y, pre);
}

template <class T>
Status Ops<T>::linear_gelu_backward_input(Context& context, Gelu kind, Tensor dpre, Tensor dy, Tensor w, Tensor pre) {
  MR_RETURN_IF_ERROR(check_same(dtype_of<T>(), dpre, pre));
  MR_RETURN_IF_ERROR(linear_backward_input(context, dpre, dy, w, false));
  if (planning(context)) return ok();
  for_elements(context, dpre.num_elements(), [&](int64_t i) {
    dpre.as<T>()[i] = static_cast<T>(dpre.as<T>()[i] * gelu_derivative(kind, pre.as<T>()[i]));
  });
  return ok();
}

MR_INSTANTIATE(gelu_forward, Context&, Gelu, Tensor, Tensor);
MR_INSTANTIATE(linear_gelu_forward, Context&, Gelu, Tensor, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(linear_gelu_backward_input, Context&, Gelu, Tensor, Tensor, Tensor, Tensor);

}  // namespace millrace::reference
