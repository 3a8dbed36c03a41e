#include <cmath>

#include "cpu/cpu_ops.h"
#include "cpu/half.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

namespace {

AdamWFactors factors_of(const AdamW& options, const StepControl& control) {
  const double step = static_cast<double>(control.updates);
  AdamWFactors factors;
  factors.beta1 = static_cast<float>(options.beta1);
  factors.beta2 = static_cast<float>(options.beta2);
  factors.one_minus_beta1 = static_cast<float>(1.0 - options.beta1);
  factors.one_minus_beta2 = static_cast<float>(1.0 - options.beta2);
  factors.step_size = static_cast<float>(control.learning_rate / (1.0 - std::pow(options.beta1, step)));
  factors.inverse_root = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options.beta2, step)));
  factors.epsilon = static_cast<float>(options.epsilon);
  factors.decay = static_cast<float>(control.learning_rate * options.weight_decay);
  factors.grad_scale = static_cast<float>(control.gradient_factor);
  return factors;
}

}  // namespace

Status adamw(Context& context, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, const AdamW& options,
             Tensor control) {
  MR_RETURN_IF_ERROR(check_adamw(value.dtype, value, master, m, v, grad, control));
  if (planning(context) || !control.as<StepControl>()->applied()) return ok();
  const AdamWFactors factors = factors_of(options, *control.as<StepControl>());
  for_ranges(context, master.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    kernels().adamw(master.as<float>() + begin, m.as<float>() + begin, v.as<float>() + begin, grad.as<float>() + begin,
                    end - begin, factors);
    if (value.data != master.data) narrow_range(value, master.as<float>() + begin, begin, end - begin);
  });
  return ok();
}

}  // namespace millrace::cpu
