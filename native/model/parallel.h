// The parallel layers of Megatron-LM (Shoeybi et al. 2019, section 3), written once against the op table and the
// communicator: the conjugate operators f and g, and the linear layers between them.
//
//   x --f--> column-parallel linear --> local work (heads, GELU) --> row-parallel linear --g--> + bias, dropout,
//   residual
//
// f is the identity forward and an all-reduce backward, g an all-reduce forward and the identity backward.
//
// A rank works shard by shard (model/shards.h): tensors that are split lie so, and what is written of them below holds
// for each shard; sums over shards of one rank are formed before f or g adds those of the ranks.
#ifndef MILLRACE_MODEL_PARALLEL_H_
#define MILLRACE_MODEL_PARALLEL_H_

#include "model/config.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

// A border between what every rank computes alike and what each computes a share of. In place; `name` is the layer's.
using Crossing = Status (*)(RankEnv&, Tensor x, const char* name);
struct Region {
  Crossing forward;
  Crossing backward;
};

Status region_identity(RankEnv&, Tensor, const char* name);
Status region_all_reduce(RankEnv&, Tensor, const char* name);

inline constexpr Region copy_to_parallel_region{region_identity, region_all_reduce};      // f
inline constexpr Region reduce_from_parallel_region{region_all_reduce, region_identity};  // g

// Where the bias of a row-parallel layer enters: in its own product, or once after the reduction.
struct RowBias {
  Tensor before;
  Tensor after;
};
RowBias bias_after_reduce(Tensor bias);

// The heads of shard `index` of `total` under their global numbers, so that dropout of probabilities does not depend on
// the split.
AttentionShape heads_of_shard(const ModelConfig&, int index, int total, int64_t batch, int64_t time);

// A split parameter counts in every shard, a duplicated one in shard 0 alone.
bool counted_once(Split split, int shard);

// The rules above in one value, so that a test can break exactly one of them and see the equality tests fail. Product
// code always uses the defaults.
struct ParallelPolicy {
  Region f = copy_to_parallel_region;
  Region g = reduce_from_parallel_region;
  RowBias (*row_bias)(Tensor bias) = bias_after_reduce;
  AttentionShape (*attention_shape)(const ModelConfig&, int index, int total, int64_t batch,
                                    int64_t time) = heads_of_shard;
  bool (*counts_in_norm)(Split split, int shard) = counted_once;

  static const ParallelPolicy& standard();
};

// out = the sum of what part(shard, out) gives for every shard of every rank: this rank's own by the tree, those of the
// ranks by `crossing`. The sum of 16-bit parts is rounded once, at its end, wherever it is formed.
template <class Part>
Status sum_shards(RankEnv& env, Tensor out, Crossing crossing, const char* name, const Part& part) {
  const DType wide = wide_dtype(out.dtype);
  if (env.shards.count == 1 || out.dtype == wide) {
    MR_RETURN_IF_ERROR(env.reduce_shards(out, ReduceOp::kSum, part));
    return crossing(env, out, name);
  }
  Arena& scratch = *env.context->scratch;
  const size_t mark = scratch.mark();
  Tensor rounded, sum;
  MR_RETURN_IF_ERROR(scratch.alloc(out.dtype, out.shape, &rounded));
  MR_RETURN_IF_ERROR(scratch.alloc(wide, out.shape, &sum));
  MR_RETURN_IF_ERROR(env.reduce_shards(sum, ReduceOp::kSum, [&](int shard, Tensor to) -> Status {
    MR_RETURN_IF_ERROR(part(shard, rounded));
    return env.ops->cast(*env.context, to, rounded);
  }));
  MR_RETURN_IF_ERROR(crossing(env, sum, name));
  MR_RETURN_IF_ERROR(env.ops->cast(*env.context, out, sum));
  scratch.release(mark);
  return ok();
}

// Attention of this rank's heads: out(B,T,C_p), lse(B,H_p,T), qkv(B,T,3*C_p). No rank needs another's heads.
struct ParallelAttention {
  static Status forward(RankEnv&, const ModelConfig&, Tensor out, Tensor lse, Tensor qkv, const Dropout&);
  static Status backward(RankEnv&, const ModelConfig&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse,
                         const Dropout&);
};

// y(N,O_p) = x(N,I) w(O_p,I)^T + bias(O_p): each rank holds some of the rows of w.
struct ColumnParallelLinear {
  Parameter* weight = nullptr;
  Parameter* bias = nullptr;

  Status forward(RankEnv&, Tensor y, Tensor x, const char* name) const;
  // The same with GELU: pre keeps what GELU was applied to.
  Status forward_gelu(RankEnv&, Gelu, Tensor y, Tensor pre, Tensor x, const char* name) const;
  // dx is whole on return (f).
  Status backward(RankEnv&, Tensor dx, Tensor dy, Tensor x, const char* name) const;
};

// y(N,O) = sum over ranks of x(N,I_p) w(O,I_p)^T: each rank holds some of the columns of w. The bias is added by the
// fused residual step that follows, which also forms its gradient.
struct RowParallelLinear {
  Parameter* weight = nullptr;
  Parameter* bias = nullptr;

  // y is whole on return (g).
  Status forward(RankEnv&, Tensor y, Tensor x, const char* name) const;
  Tensor bias_after(const RankEnv& env) const { return env.policy->row_bias(bias->value).after; }
  Status backward(RankEnv&, Tensor dx, Tensor dy, Tensor x, const char* name) const;
  // The layer below ends with GELU: x = gelu(pre), dpre is its gradient.
  Status backward_gelu(RankEnv&, Gelu, Tensor dpre, Tensor dy, Tensor x, Tensor pre, const char* name) const;
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_PARALLEL_H_
