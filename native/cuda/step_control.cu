// The record that decides a step lives in device memory; one thread advances it by the functions of
// core/step_control.h.
#include "core/step_control.h"
#include "cuda/cuda_ops.h"
#include "cuda/launch.h"

namespace millrace::cuda {

namespace {

__global__ void begin_step_kernel(StepControl* control, int64_t draw_step, double share) {
  millrace::begin_step(draw_step, share, *control);
}

__global__ void decide_step_kernel(StepControl* control, StepRules rules) { millrace::decide_step(rules, *control); }

}  // namespace

Status begin_step(Context& context, Tensor control, int64_t draw_step, double share) {
  MR_RETURN_IF_ERROR(check_control(control));
  if (planning(context)) return ok();
  return launch(context, begin_step_kernel, 1, 1, 0, control.as<StepControl>(), draw_step, share);
}

Status decide_step(Context& context, Tensor control, const StepRules& rules) {
  MR_RETURN_IF_ERROR(check_control(control));
  if (planning(context)) return ok();
  return launch(context, decide_step_kernel, 1, 1, 0, control.as<StepControl>(), rules);
}

}  // namespace millrace::cuda
