// One transformer layer, pre-LayerNorm as in GPT-2, over its share of heads and of the feed-forward width. Two
// all-reduces forward (g after attention and after the MLP) and two backward (f before them).
//
//   r --+--> norm_1 --f--> qkv -> attention -> out --g--> + bias, dropout --> (+) --+--> norm_2 --f--> up, GELU -> down
//       +---------------------------------------------------------------------^    +-------------> (+) <-- dropout, +
//       bias, g
//
// The norm that follows a residual sum is fused with it, so a layer is given its first norm's output, and forms that of
// the next layer (or of the final norm) from `next_norm`.
#ifndef MILLRACE_MODEL_BLOCK_H_
#define MILLRACE_MODEL_BLOCK_H_

#include "core/arena.h"
#include "model/config.h"
#include "model/dropout_source.h"
#include "model/parallel.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

struct LayerNorm {
  Parameter* gamma = nullptr;
  Parameter* beta = nullptr;
};

// A point of the residual stream and the norm taken of it; kept for the backward pass.
struct NormedResidual {
  Tensor r;     // (B,T,C)
  Tensor y;     // (B,T,C)
  Tensor mean;  // (N)
  Tensor rstd;  // (N)
};

// What a layer keeps from its forward pass, apart from the residual points around it.
struct LayerActivations {
  Tensor qkv;        // (B,T,3*C_p)
  Tensor attention;  // (B,T,C_p)
  Tensor lse;        // (B,H_p,T)
  NormedResidual middle;
  Tensor pre;   // (N,F_p)
  Tensor gelu;  // (N,F_p)
};

// Space that layers take in turn: nothing in it outlives a half layer.
struct LayerWorkspace {
  Tensor branch;      // (B,T,C)    a branch's output forward, the gradient to it backward
  Tensor dy;          // (B,T,C)    gradient to a norm's output
  Tensor dattention;  // (B,T,C_p)
  Tensor dqkv;        // (B,T,3*C_p)
  Tensor dpre;        // (N,F_p)
};

class TransformerBlock {
 public:
  LayerNorm norm_1, norm_2;
  ColumnParallelLinear qkv;
  RowParallelLinear out;
  ColumnParallelLinear up;
  RowParallelLinear down;
  int64_t layer = 0;

  // Reads in.r and in.y, writes `kept`, next.r and next.y.
  Status forward(RankEnv&, const ModelConfig&, const NormedResidual& in, LayerActivations& kept,
                 const LayerNorm& next_norm, NormedResidual& next, LayerWorkspace&, const DropoutSource&) const;
  // dr(B,T,C): on entry the gradient to next.r, on return that to in.r.
  Status backward(RankEnv&, const ModelConfig&, Tensor dr, const NormedResidual& in, const LayerActivations& kept,
                  LayerWorkspace&, const DropoutSource&) const;

 private:
  Status attention_backward(RankEnv&, const ModelConfig&, Tensor dr, const NormedResidual& in,
                            const LayerActivations& kept, LayerWorkspace&, const DropoutSource&) const;
  Status mlp_backward(RankEnv&, const ModelConfig&, Tensor dr, const LayerActivations& kept, LayerWorkspace&,
                      const DropoutSource&) const;
};

// dr += the gradient through norm(point.r), given dy to its output.
Status norm_backward(RankEnv&, const LayerNorm&, Tensor dr, Tensor dy, const NormedResidual& point);

}  // namespace millrace

#endif  // MILLRACE_MODEL_BLOCK_H_
