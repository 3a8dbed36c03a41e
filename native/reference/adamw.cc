#include <cmath>

#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::adamw(Context& context, Tensor param, Tensor m, Tensor v, Tensor grad, const AdamW& options) {
  MR_RETURN_IF_ERROR(check_adamw(dtype_of<T>(), param, m, v, grad));
  if (planning(context)) return ok();
  const double correction_1 = 1.0 - std::pow(options.beta1, static_cast<double>(options.step));
  const double correction_2 = 1.0 - std::pow(options.beta2, static_cast<double>(options.step));
  for_elements(context, param.num_elements(), [&](int64_t i) {
    const double g = grad.as<T>()[i] * options.grad_scale;
    const double m_new = options.beta1 * m.as<T>()[i] + (1.0 - options.beta1) * g;
    const double v_new = options.beta2 * v.as<T>()[i] + (1.0 - options.beta2) * g * g;
    const double update = m_new / correction_1 / (std::sqrt(v_new / correction_2) + options.epsilon);
    const double old = param.as<T>()[i];
    m.as<T>()[i] = static_cast<T>(m_new);
    v.as<T>()[i] = static_cast<T>(v_new);
    param.as<T>()[i] = static_cast<T>(old - options.lr * (update + options.weight_decay * old));
  });
  return ok();
}

template Status Ops<float>::adamw(Context&, Tensor, Tensor, Tensor, Tensor, const AdamW&);
template Status Ops<double>::adamw(Context&, Tensor, Tensor, Tensor, Tensor, const AdamW&);

}  // namespace millrace::reference
