// The dropout of one micro-batch: the same draws for every split of the work, because each is named by step, layer,
// site and the element of the global sample.
#ifndef MILLRACE_MODEL_DROPOUT_SOURCE_H_
#define MILLRACE_MODEL_DROPOUT_SOURCE_H_

#include <cstdint>

#include "core/philox.h"

namespace millrace {

struct DropoutSource {
  float p = 0.0f;  // 0: none (evaluation)
  uint64_t seed = 0;
  int64_t step = 0;
  const int64_t* samples = nullptr;  // (B) global sample numbers, borrowed until the backward pass has ended

  Dropout at(Site site, int64_t layer = 0) const {
    Dropout dropout;
    dropout.p = p;
    dropout.key = PhiloxKey{seed, static_cast<uint32_t>(step), static_cast<uint32_t>(layer), site};
    dropout.sample = samples;
    return dropout;
  }
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_DROPOUT_SOURCE_H_
