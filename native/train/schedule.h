// The learning rate of an update. Updates are counted from 1; a skipped step is no update.
//
//   u <= warmup:  peak * u / warmup
//   afterwards, with q = min(1, (u - warmup) / (decay - warmup)):
//     cosine:     max(floor, peak / 2 * (1 + cos(pi * q)))
//     linear:     max(floor, peak * (1 - q))
//     constant:   peak
//
// "A single cycle cosine decay ... we stop the decay at a minimum" (Megatron-LM, section 4.2): the floor clips the
// curve, the curve is not scaled to end at it.
#ifndef MILLRACE_TRAIN_SCHEDULE_H_
#define MILLRACE_TRAIN_SCHEDULE_H_

#include <cstdint>

namespace millrace {

enum class Decay : uint8_t { kCosine, kLinear, kConstant };

struct LearningRateSchedule {
  Decay decay = Decay::kCosine;
  double peak = 0;
  double floor = 0;
  int64_t warmup_steps = 0;
  int64_t decay_steps = 0;  // warm-up included

  double at(int64_t update) const;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_SCHEDULE_H_
