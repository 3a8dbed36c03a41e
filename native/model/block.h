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

#include "model/activations.h"
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

class TransformerBlock {
 public:
  LayerNorm norm_1, norm_2;
  ColumnParallelLinear qkv;
  RowParallelLinear out;
  ColumnParallelLinear up;
  RowParallelLinear down;
  int64_t layer = 0;

  // Reads in.r and in.y, writes `kept`, next.r and next.y.
  Status forward(RankEnv&, const ModelConfig&, const NormedResidual& in, const LayerActivations& kept,
                 const LayerNorm& next_norm, const NormedResidual& next, const LayerWorkspace&,
                 const DropoutSource&) const;
  // Brings back what the policy has not kept: reads in.r and the kept part of `kept`, writes in.y and the rest. The
  // layer's last product and reduction are not needed again: what they gave is the input of the next layer. So a full
  // recomputation makes one all-reduce, where running the whole layer again would make two.
  Status recompute(RankEnv&, const ModelConfig&, Recompute, const NormedResidual& in, const LayerActivations& kept,
                   const LayerWorkspace&, const DropoutSource&) const;
  // dr(B,T,C): on entry the gradient to next.r, on return that to in.r.
  Status backward(RankEnv&, const ModelConfig&, Tensor dr, const NormedResidual& in, const LayerActivations& kept,
                  const LayerWorkspace&, const DropoutSource&) const;

 private:
  // Up to the residual point in the middle and its norm; `pass` ("forward", "recompute") is for names.
  Status attention_forward(RankEnv&, const ModelConfig&, const char* pass, const NormedResidual& in,
                           const LayerActivations& kept, const LayerWorkspace&, const DropoutSource&) const;
  Status mlp_up_forward(RankEnv&, const ModelConfig&, const char* pass, const LayerActivations& kept) const;
  Status attention_backward(RankEnv&, const ModelConfig&, Tensor dr, const NormedResidual& in,
                            const LayerActivations& kept, const LayerWorkspace&, const DropoutSource&) const;
  Status mlp_backward(RankEnv&, const ModelConfig&, Tensor dr, const LayerActivations& kept, const LayerWorkspace&,
                      const DropoutSource&) const;
};

// point.y = norm(point.r), with its statistics.
Status norm_forward(RankEnv&, const ModelConfig&, const LayerNorm&, const NormedResidual& point);
// dr += the gradient through norm(point.r), given dy to its output.
Status norm_backward(RankEnv&, const LayerNorm&, Tensor dr, Tensor dy, const NormedResidual& point);

}  // namespace millrace

#endif  // MILLRACE_MODEL_BLOCK_H_
