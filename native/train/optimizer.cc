#include "train/optimizer.h"

#include <array>
#include <cstddef>

#include "core/device.h"
#include "model/parallel.h"

namespace millrace {

namespace {

Status add_ranges(RankEnv& env, const ParameterSet& parameters, Tensor sum) {
  for (const bool decays : {true, false}) {
    for (const bool replicated : {false, true}) {
      const Split split = replicated ? Split::kReplicated : Split::kRows;
      const FlatRange range = parameters.range(decays, replicated);
      if (range.count == 0 || !env.policy->counts_in_norm(split, env.shards.first)) continue;
      MR_RETURN_IF_ERROR(env.ops->sum_squares(*env.context, sum, range.of(parameters.gradients())));
    }
  }
  return ok();
}

// To verify: one sum a shard, of each parameter's in turn, put together by the tree of reduce_shards().
Status add_shards(RankEnv& env, const ParameterSet& parameters, Tensor sum, Tensor partials) {
  static constexpr std::array<double, kMaxVerifyShards> kZeros{};
  Context& context = *env.context;
  if (!env.planning()) MR_RETURN_IF_ERROR(context.device->to_device(context, partials.data, &kZeros, sizeof(kZeros)));
  MR_RETURN_IF_ERROR(env.for_each_shard([&](int shard) -> Status {
    for (const Parameter& parameter : parameters.all()) {
      if (!env.policy->counts_in_norm(parameter.spec.split, env.shards.first + shard)) continue;
      const Tensor part = parameter.shard(parameter.gradient, shard % parameter.num_shards);
      MR_RETURN_IF_ERROR(env.ops->sum_squares(context, partials.rows(shard, 1), part));
    }
    return ok();
  }));
  for (int stride = 1; stride < env.shards.count; stride *= 2) {
    for (int i = 0; i + stride < env.shards.count; i += 2 * stride) {
      MR_RETURN_IF_ERROR(env.ops->sum(context, partials.rows(i, 1), partials.rows(i + stride, 1)));
    }
  }
  return env.ops->sum(context, sum, partials.rows(0, 1));
}

}  // namespace

Status add_gradient_norm(RankEnv& env, const ParameterSet& parameters, Tensor control, Tensor partials) {
  env.enter("gradient norm");
  const Tensor sum = control_field(control, offsetof(StepControl, norm_squared));
  const bool verify = env.context->work_parts != 0;
  MR_RETURN_IF_ERROR(verify ? add_shards(env, parameters, sum, partials) : add_ranges(env, parameters, sum));
  return env.all_reduce_tensor(sum, ReduceOp::kSum, "gradient norm reduction");
}

Status apply_adamw(RankEnv& env, const ParameterSet& parameters, const OptimizerSettings& settings, Tensor control) {
  env.enter("adamw");
  for (const bool decays : {true, false}) {
    const FlatRange range = parameters.range(decays);
    if (range.count == 0) continue;
    const AdamW adamw{settings.beta1, settings.beta2, settings.epsilon, decays ? settings.weight_decay : 0.0};
    MR_RETURN_IF_ERROR(env.ops->adamw(*env.context, range.of(parameters.values()), range.of(parameters.masters()),
                                      range.of(parameters.first_moments()), range.of(parameters.second_moments()),
                                      range.of(parameters.gradients()), adamw, control));
  }
  return ok();
}

}  // namespace millrace
