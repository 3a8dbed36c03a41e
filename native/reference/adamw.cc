#include <cmath>

#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::adamw(Context& context, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad,
                     const AdamW& options, Tensor control) {
  MR_RETURN_IF_ERROR(check_adamw(dtype_of<T>(), value, master, m, v, grad, control));
  if (planning(context)) return ok();
  const StepControl& step = *control.as<StepControl>();
  if (!step.applied()) return ok();
  const double correction_1 = 1.0 - std::pow(options.beta1, static_cast<double>(step.updates));
  const double correction_2 = 1.0 - std::pow(options.beta2, static_cast<double>(step.updates));
  for_elements(context, master.num_elements(), [&](int64_t i) {
    const double g = grad.as<Wide<T>>()[i] * step.gradient_factor;
    const double m_new = options.beta1 * m.as<Wide<T>>()[i] + (1.0 - options.beta1) * g;
    const double v_new = options.beta2 * v.as<Wide<T>>()[i] + (1.0 - options.beta2) * g * g;
    const double update = m_new / correction_1 / (std::sqrt(v_new / correction_2) + options.epsilon);
    const double old = master.as<Wide<T>>()[i];
    m.as<Wide<T>>()[i] = static_cast<Wide<T>>(m_new);
    v.as<Wide<T>>()[i] = static_cast<Wide<T>>(v_new);
    master.as<Wide<T>>()[i] = static_cast<Wide<T>>(old - step.learning_rate * (update + options.weight_decay * old));
  });
  return cast(context, value, master);
}

MR_INSTANTIATE(adamw, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, const AdamW&, Tensor);

}  // namespace millrace::reference
