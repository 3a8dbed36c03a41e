#include "model/parallel.h"

namespace millrace {

Status region_identity(RankEnv&, Tensor, const char*) { return ok(); }

Status region_all_reduce(RankEnv& env, Tensor x, const char* name) {
  return env.all_reduce_tensor(x, ReduceOp::kSum, name);
}

RowBias bias_after_reduce(Tensor bias) { return RowBias{Tensor{}, bias}; }

AttentionShape heads_of_rank(const ModelConfig& config, int rank, int size, int64_t batch, int64_t time) {
  AttentionShape shape;
  shape.batch = batch;
  shape.time = time;
  shape.heads = config.num_heads / size;
  shape.head_size = config.head_size();
  shape.head_begin = shape.heads * rank;
  shape.heads_total = config.num_heads;
  return shape;
}

bool counted_once(Split split, int tensor_rank) { return split != Split::kReplicated || tensor_rank == 0; }

const ParallelPolicy& ParallelPolicy::standard() {
  static const ParallelPolicy policy;
  return policy;
}

Status ColumnParallelLinear::forward(RankEnv& env, Tensor y, Tensor x, const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->f.forward(env, x, name));
  return env.ops->linear_forward(*env.context, y, x, weight->value, bias->value);
}

Status ColumnParallelLinear::forward_gelu(RankEnv& env, Gelu gelu, Tensor y, Tensor pre, Tensor x,
                                          const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->f.forward(env, x, name));
  return env.ops->linear_gelu_forward(*env.context, gelu, y, pre, x, weight->value, bias->value);
}

// The input's gradient comes first: on a device its reduction can then overlap with the weight's gradient.
Status ColumnParallelLinear::backward(RankEnv& env, Tensor dx, Tensor dy, Tensor x, const char* name) const {
  MR_RETURN_IF_ERROR(env.ops->linear_backward_input(*env.context, dx, dy, weight->value, false));
  MR_RETURN_IF_ERROR(env.policy->f.backward(env, dx, name));
  return env.ops->linear_backward_weight(*env.context, weight->gradient, bias->gradient, dy, x);
}

Status RowParallelLinear::forward(RankEnv& env, Tensor y, Tensor x, const char* name) const {
  const Tensor before = env.policy->row_bias(bias->value).before;
  MR_RETURN_IF_ERROR(env.ops->linear_forward(*env.context, y, x, weight->value, before));
  return env.policy->g.forward(env, y, name);
}

Status RowParallelLinear::backward(RankEnv& env, Tensor dx, Tensor dy, Tensor x, const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->g.backward(env, dy, name));
  MR_RETURN_IF_ERROR(env.ops->linear_backward_input(*env.context, dx, dy, weight->value, false));
  return env.ops->linear_backward_weight(*env.context, weight->gradient, Tensor{}, dy, x);
}

Status RowParallelLinear::backward_gelu(RankEnv& env, Gelu gelu, Tensor dpre, Tensor dy, Tensor x, Tensor pre,
                                        const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->g.backward(env, dy, name));
  MR_RETURN_IF_ERROR(env.ops->linear_gelu_backward_input(*env.context, gelu, dpre, dy, weight->value, pre));
  return env.ops->linear_backward_weight(*env.context, weight->gradient, Tensor{}, dy, x);
}

}  // namespace millrace
