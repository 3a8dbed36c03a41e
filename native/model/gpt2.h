// GPT-2 over one rank's share: embedding, layers, final norm and tied head, forward and backward written out. Holds the
// parameters and every activation between the two passes; all memory comes from the arena given to allocate().
#ifndef MILLRACE_MODEL_GPT2_H_
#define MILLRACE_MODEL_GPT2_H_

#include <vector>

#include "core/arena.h"
#include "model/activations.h"
#include "model/block.h"
#include "model/config.h"
#include "model/dropout_source.h"
#include "model/embedding.h"
#include "model/head.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

// The table of logical tensors, in the order of the forward pass. Weights of the two projections that end in the
// residual stream start smaller, by 1 / sqrt(2 * layers) (paper, section 4.2).
std::vector<ParameterSpec> gpt2_parameters(const ModelConfig&, double init_std);

class Gpt2 {
 public:
  // Parameters first, then activations for up to max_batch sequences of max_time tokens. Nothing but memory and time
  // depends on `recompute`.
  Status allocate_parameters(RankEnv&, const ModelConfig&, double init_std, Arena& arena);
  Status allocate_activations(RankEnv&, int64_t max_batch, int64_t max_time, Recompute recompute, Arena& arena);

  ParameterSet& parameters() { return parameters_; }
  const ParameterSet& parameters() const { return parameters_; }

  // ids(B,T) i32, B and T at most what was allocated. The calls below use what this one left.
  Status forward(RankEnv&, Tensor ids, const DropoutSource&);
  // Adds the sum of the counted rows' losses to the loss_sum of control (core/step_control.h). targets(B,T) i32; -1:
  // not counted.
  Status loss(RankEnv&, Tensor targets, Tensor control);
  // The same; gradients of that sum times the control's gradient_scale() are added to the parameters' gradients.
  Status loss_and_backward(RankEnv&, Tensor ids, Tensor targets, const DropoutSource&, Tensor control);
  // This rank's logits at one position of sequence 0; column i is id logits_range().begin + i.
  Status logits(RankEnv&, int64_t position, Tensor* out);
  const VocabRange& logits_range() const { return head_.range(); }

 private:
  void bind_parameters(RankEnv&);

  ModelConfig config_;
  ParameterSet parameters_;
  VocabParallelEmbedding embedding_;
  std::vector<TransformerBlock> blocks_;
  LayerNorm final_norm_;
  Head head_;
  Recompute recompute_ = Recompute::kNone;
  Activations whole_;   // of the largest shape
  Activations shaped_;  // of the last forward pass
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_GPT2_H_
