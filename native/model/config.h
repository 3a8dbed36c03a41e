// What a model is, apart from how it is trained: the sizes that its parameters follow from.
#ifndef MILLRACE_MODEL_CONFIG_H_
#define MILLRACE_MODEL_CONFIG_H_

#include <cstdint>

#include "core/ops.h"

namespace millrace {

struct ModelConfig {
  int64_t num_layers = 0;
  int64_t hidden_size = 0;        // C
  int64_t num_heads = 0;          // H, divides C
  int64_t context_length = 0;     // rows of the position embedding
  int64_t vocab_size = 0;         // true size: ids at or above it are never predicted
  int64_t padded_vocab_size = 0;  // V, so that every rank holds the same number of rows
  Gelu gelu = Gelu::kTanh;
  double layernorm_epsilon = 1e-5;

  int64_t head_size() const { return hidden_size / num_heads; }
  int64_t feed_forward_size() const { return 4 * hidden_size; }
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_CONFIG_H_
