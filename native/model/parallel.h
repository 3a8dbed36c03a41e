// The parallel layers of Megatron-LM (Shoeybi et al. 2019, section 3), written once against the op table and the
// communicator: the conjugate operators f and g, and the linear layers between them.
//
//   x --f--> column-parallel linear --> local work (heads, GELU) --> row-parallel linear --g--> + bias, dropout,
//   residual
//
// f is the identity forward and an all-reduce backward, g an all-reduce forward and the identity backward.
#ifndef MILLRACE_MODEL_PARALLEL_H_
#define MILLRACE_MODEL_PARALLEL_H_

#include "model/config.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

// A border between what every rank computes alike and what each computes a share of. In place; `name` is the layer's.
struct Region {
  Status (*forward)(RankEnv&, Tensor x, const char* name);
  Status (*backward)(RankEnv&, Tensor dx, const char* name);
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

// This rank's heads under their global numbers, so that dropout of probabilities does not depend on the split.
AttentionShape heads_of_rank(const ModelConfig&, int rank, int size, int64_t batch, int64_t time);

// A split parameter counts on every rank, a duplicated one on rank 0 alone.
bool counted_once(Split split, int tensor_rank);

// The rules above in one value, so that a test can break exactly one of them and see the equality tests fail. Product
// code always uses the defaults.
struct ParallelPolicy {
  Region f = copy_to_parallel_region;
  Region g = reduce_from_parallel_region;
  RowBias (*row_bias)(Tensor bias) = bias_after_reduce;
  AttentionShape (*attention_shape)(const ModelConfig&, int rank, int size, int64_t batch,
                                    int64_t time) = heads_of_rank;
  bool (*counts_in_norm)(Split split, int tensor_rank) = counted_once;

  static const ParallelPolicy& standard();
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
