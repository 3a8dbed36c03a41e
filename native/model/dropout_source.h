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
  // Memory of the device, borrowed until the backward pass has ended: where the step's number stands, and (B) global
  // sample numbers.
  const int64_t* step = nullptr;
  const int64_t* samples = nullptr;

  Dropout at(Site site, int64_t layer = 0) const {
    Dropout dropout;
    dropout.p = p;
    dropout.key = PhiloxKey{seed, 0, static_cast<uint32_t>(layer), site};
    dropout.step = step;
    dropout.sample = samples;
    return dropout;
  }
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_DROPOUT_SOURCE_H_
