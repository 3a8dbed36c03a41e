// What a layer's forward pass keeps for its backward pass. Results have the same bits under every policy: what is
// computed again is computed by the same ops from the same values, and dropout is drawn by counter, not by order.
#ifndef MILLRACE_MODEL_RECOMPUTE_H_
#define MILLRACE_MODEL_RECOMPUTE_H_

#include <cstdint>

namespace millrace {

enum class Recompute : uint8_t {
  kNone,       // all of it, but for attention probabilities, which no policy keeps
  kSelective,  // not what one pass over kept values brings back: outputs of norms and of GELU
  kFull,       // the layer's input alone: "activation checkpointing after every transformer layer" (paper, section 4.2)
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_RECOMPUTE_H_
