#include "train/optimizer.h"

#include <array>
#include <cmath>

#include "model/parallel.h"

namespace millrace {

Status global_gradient_norm(RankEnv& env, const ParameterSet& parameters, Tensor sum, double* norm) {
  env.enter("gradient norm");
  std::array<double, kMaxVerifyShards> sums{};
  for (int shard = 0; shard < env.shards.count; ++shard) {
    if (!env.planning()) sum.as<double>()[0] = 0;
    for (const Parameter& parameter : parameters.all()) {
      if (!env.policy->counts_in_norm(parameter.spec.split, env.shards.first + shard)) continue;
      const int index = shard % parameter.num_shards;
      MR_RETURN_IF_ERROR(env.ops->sum_squares(*env.context, sum, parameter.shard(parameter.gradient, index)));
    }
    if (!env.planning()) sums[static_cast<size_t>(shard)] = sum.as<double>()[0];
  }
  if (!env.planning()) sum.as<double>()[0] = sum_by_tree(sums, env.shards.count);
  MR_RETURN_IF_ERROR(env.all_reduce_tensor(sum, ReduceOp::kSum, "gradient norm reduction"));
  *norm = env.planning() ? 0 : std::sqrt(sum.as<double>()[0]);
  return ok();
}

double clip_factor(double norm, double clip_norm) {
  if (clip_norm <= 0) return 1.0;
  const double factor = clip_norm / (norm + 1e-6);
  return factor < 1.0 ? factor : 1.0;
}

Status apply_adamw(RankEnv& env, const ParameterSet& parameters, const OptimizerSettings& settings,
                   double learning_rate, double gradient_scale, int64_t update) {
  env.enter("adamw");
  AdamW adamw;
  adamw.lr = learning_rate;
  adamw.beta1 = settings.beta1;
  adamw.beta2 = settings.beta2;
  adamw.epsilon = settings.epsilon;
  adamw.step = update;
  adamw.grad_scale = gradient_scale;
  for (const Parameter& parameter : parameters.all()) {
    adamw.weight_decay = parameter.spec.decays ? settings.weight_decay : 0.0;
    for (int shard = 0; shard < parameter.num_shards; ++shard) {
      const auto part = [&](Tensor whole) { return parameter.shard(whole, shard); };
      MR_RETURN_IF_ERROR(env.ops->adamw(*env.context, part(parameter.value), part(parameter.master),
                                        part(parameter.first_moment), part(parameter.second_moment),
                                        part(parameter.gradient), adamw));
    }
  }
  return ok();
}

}  // namespace millrace
