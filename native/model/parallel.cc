#include "model/parallel.h"

namespace millrace {

Status region_identity(RankEnv&, Tensor, const char*) { return ok(); }

Status region_all_reduce(RankEnv& env, Tensor x, const char* name) {
  return env.all_reduce_tensor(x, ReduceOp::kSum, name);
}

RowBias bias_after_reduce(Tensor bias) { return RowBias{Tensor{}, bias}; }

AttentionShape heads_of_shard(const ModelConfig& config, int index, int total, int64_t batch, int64_t time) {
  AttentionShape shape;
  shape.batch = batch;
  shape.time = time;
  shape.heads = config.num_heads / total;
  shape.head_size = config.head_size();
  shape.head_begin = shape.heads * index;
  shape.heads_total = config.num_heads;
  return shape;
}

bool counted_once(Split split, int shard) { return split != Split::kReplicated || shard == 0; }

const ParallelPolicy& ParallelPolicy::standard() {
  static const ParallelPolicy policy;
  return policy;
}

namespace {

// The last dimension of activations is what shards divide, but for lse(B,H_p,T).
Tensor columns_of_shard(const RankEnv& env, Tensor x, int shard) {
  return shard_of(x, x.shape.rank - 1, shard, env.shards.count);
}

Tensor heads_of_lse(const RankEnv& env, Tensor lse, int shard) { return shard_of(lse, 1, shard, env.shards.count); }

// dw += dy^T x of a row-parallel layer.
Status add_weight_gradients(RankEnv& env, const Parameter& weight, Tensor dy, Tensor x) {
  return env.for_each_shard([&](int shard) {
    return env.ops->linear_backward_weight(*env.context, weight.shard(weight.gradient, shard), Tensor{}, dy,
                                           columns_of_shard(env, x, shard));
  });
}

}  // namespace

Status ParallelAttention::forward(RankEnv& env, const ModelConfig& config, Tensor out, Tensor lse, Tensor qkv,
                                  const Dropout& dropout) {
  return env.for_each_shard([&](int shard) {
    const AttentionShape shape =
        env.policy->attention_shape(config, env.shards.first + shard, env.shards.total, qkv.dim(0), qkv.dim(1));
    return env.ops->attention_forward(*env.context, shape, columns_of_shard(env, out, shard),
                                      heads_of_lse(env, lse, shard), columns_of_shard(env, qkv, shard), dropout);
  });
}

Status ParallelAttention::backward(RankEnv& env, const ModelConfig& config, Tensor dqkv, Tensor dout, Tensor qkv,
                                   Tensor out, Tensor lse, const Dropout& dropout) {
  return env.for_each_shard([&](int shard) {
    const AttentionShape shape =
        env.policy->attention_shape(config, env.shards.first + shard, env.shards.total, qkv.dim(0), qkv.dim(1));
    return env.ops->attention_backward(*env.context, shape, columns_of_shard(env, dqkv, shard),
                                       columns_of_shard(env, dout, shard), columns_of_shard(env, qkv, shard),
                                       columns_of_shard(env, out, shard), heads_of_lse(env, lse, shard), dropout);
  });
}

Status ColumnParallelLinear::forward(RankEnv& env, Tensor y, Tensor x, const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->f.forward(env, x, name));
  return env.for_each_shard([&](int shard) {
    return env.ops->linear_forward(*env.context, columns_of_shard(env, y, shard), x,
                                   weight->shard(weight->value, shard), bias->shard(bias->value, shard));
  });
}

Status ColumnParallelLinear::forward_gelu(RankEnv& env, Gelu gelu, Tensor y, Tensor pre, Tensor x,
                                          const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->f.forward(env, x, name));
  return env.for_each_shard([&](int shard) {
    return env.ops->linear_gelu_forward(*env.context, gelu, columns_of_shard(env, y, shard),
                                        columns_of_shard(env, pre, shard), x, weight->shard(weight->value, shard),
                                        bias->shard(bias->value, shard));
  });
}

// The input's gradient comes first: on a device its reduction can then overlap with the weight's gradient.
Status ColumnParallelLinear::backward(RankEnv& env, Tensor dx, Tensor dy, Tensor x, const char* name) const {
  MR_RETURN_IF_ERROR(sum_shards(env, dx, env.policy->f.backward, name, [&](int shard, Tensor part) {
    return env.ops->linear_backward_input(*env.context, part, columns_of_shard(env, dy, shard),
                                          weight->shard(weight->value, shard), false);
  }));
  return env.for_each_shard([&](int shard) {
    return env.ops->linear_backward_weight(*env.context, weight->shard(weight->gradient, shard),
                                           bias->shard(bias->gradient, shard), columns_of_shard(env, dy, shard), x);
  });
}

Status RowParallelLinear::forward(RankEnv& env, Tensor y, Tensor x, const char* name) const {
  const Tensor before = env.policy->row_bias(bias->value).before;
  return sum_shards(env, y, env.policy->g.forward, name, [&](int shard, Tensor part) {
    return env.ops->linear_forward(*env.context, part, columns_of_shard(env, x, shard),
                                   weight->shard(weight->value, shard), before);
  });
}

Status RowParallelLinear::backward(RankEnv& env, Tensor dx, Tensor dy, Tensor x, const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->g.backward(env, dy, name));
  MR_RETURN_IF_ERROR(env.for_each_shard([&](int shard) {
    return env.ops->linear_backward_input(*env.context, columns_of_shard(env, dx, shard), dy,
                                          weight->shard(weight->value, shard), false);
  }));
  return add_weight_gradients(env, *weight, dy, x);
}

Status RowParallelLinear::backward_gelu(RankEnv& env, Gelu gelu, Tensor dpre, Tensor dy, Tensor x, Tensor pre,
                                        const char* name) const {
  MR_RETURN_IF_ERROR(env.policy->g.backward(env, dy, name));
  MR_RETURN_IF_ERROR(env.for_each_shard([&](int shard) {
    return env.ops->linear_gelu_backward_input(*env.context, gelu, columns_of_shard(env, dpre, shard), dy,
                                               weight->shard(weight->value, shard), columns_of_shard(env, pre, shard));
  }));
  return add_weight_gradients(env, *weight, dy, x);
}

}  // namespace millrace
