// The update: global gradient norm, clipping and AdamW (Loshchilov and Hutter: decay apart from the gradient). Each
// rank updates what it holds; no parameter value is ever communicated.
#ifndef MILLRACE_TRAIN_OPTIMIZER_H_
#define MILLRACE_TRAIN_OPTIMIZER_H_

#include <cstdint>

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

// Norm of the whole model's gradient, equal bits on every rank of the group: split parameters count on all ranks,
// duplicated ones once. Not finite when any gradient is not: squares of floats cannot overflow a double sum. `sum` is
// space for one f64.
Status global_gradient_norm(RankEnv&, const ParameterSet&, Tensor sum, double* norm);

// Factor on the gradients so that their norm is at most clip_norm.
double clip_factor(double norm, double clip_norm);

// Update number `update` (from 1) of all parameters.
Status apply_adamw(RankEnv&, const ParameterSet&, const OptimizerSettings&, double learning_rate, double gradient_scale,
                   int64_t update);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_OPTIMIZER_H_
