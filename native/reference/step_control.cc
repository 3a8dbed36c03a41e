#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::begin_step(Context& context, Tensor control, int64_t draw_step, double share) {
  MR_RETURN_IF_ERROR(check_control(control));
  if (!planning(context)) millrace::begin_step(draw_step, share, *control.as<StepControl>());
  return ok();
}

template <class T>
Status Ops<T>::decide_step(Context& context, Tensor control, const StepRules& rules) {
  MR_RETURN_IF_ERROR(check_control(control));
  if (!planning(context)) millrace::decide_step(rules, *control.as<StepControl>());
  return ok();
}

MR_INSTANTIATE(begin_step, Context&, Tensor, int64_t, double);
MR_INSTANTIATE(decide_step, Context&, Tensor, const StepRules&);

}  // namespace millrace::reference
