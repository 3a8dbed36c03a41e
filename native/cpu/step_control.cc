#include "cpu/cpu_ops.h"

namespace millrace::cpu {

Status begin_step(Context& context, Tensor control, int64_t draw_step, double share) {
  MR_RETURN_IF_ERROR(check_control(control));
  if (!planning(context)) millrace::begin_step(draw_step, share, *control.as<StepControl>());
  return ok();
}

Status decide_step(Context& context, Tensor control, const StepRules& rules) {
  MR_RETURN_IF_ERROR(check_control(control));
  if (!planning(context)) millrace::decide_step(rules, *control.as<StepControl>());
  return ok();
}

}  // namespace millrace::cpu
