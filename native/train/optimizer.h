// The update: global gradient norm and AdamW (Loshchilov and Hutter: decay apart from the gradient), enqueued; what
// they need to know of the step stands in its control (core/step_control.h). Each rank updates what it holds; no
// parameter value is ever communicated.
#ifndef MILLRACE_TRAIN_OPTIMIZER_H_
#define MILLRACE_TRAIN_OPTIMIZER_H_

#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

struct OptimizerSettings {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  // on parameters whose spec decays
  double clip_norm = 0;     // 0: no clipping
};

// The square of the norm of the whole model's gradient is added to the control's norm_squared, equal bits on every rank
// of the group: split parameters count on all ranks, duplicated ones once. `partials`: space for kMaxVerifyShards f64.
Status add_gradient_norm(RankEnv&, const ParameterSet&, Tensor control, Tensor partials);

// The update of all parameters that the control has decided.
Status apply_adamw(RankEnv&, const ParameterSet&, const OptimizerSettings&, Tensor control);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_OPTIMIZER_H_
