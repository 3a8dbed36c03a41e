// Loss scaling of fp16 (Megatron-LM, section 4.2: "mixed precision training with dynamic loss scaling"). The loss is
// multiplied by a power of two, so that small gradients do not vanish below 2^-24, and the optimizer divides by it. The
// first overflow after a doubling only uses up the hysteresis; each later one halves the scale; `window` clean steps in
// a row double it and restore the hysteresis. A step that overflowed updates nothing. bf16 and fp32 have the range of
// f32 and are not scaled.
#ifndef MILLRACE_TRAIN_LOSS_SCALE_H_
#define MILLRACE_TRAIN_LOSS_SCALE_H_

#include <cstdint>

#include "core/status.h"

namespace millrace {

struct LossScaleSettings {
  bool dynamic = false;  // false: the scale is 1, always
  double initial = 0x1p32;
  double minimum = 1;
  int64_t window = 1000;   // clean steps in a row that double the scale
  int64_t hysteresis = 2;  // overflows, the last of which halves it
};

struct LossScaleState {
  double scale = 1;
  int64_t good_steps = 0;  // in a row, since the scale last changed
  int64_t hysteresis = 0;  // overflows left, counting the one that halves
  int64_t skipped = 0;     // steps skipped in a row
};

LossScaleState first_loss_scale(const LossScaleSettings&);

// *state becomes that after a step. MR_DIVERGED, with advice, when the step overflowed and there is nothing left to
// try: the scale is at its minimum or, where nothing is scaled, kMostSkipped steps in a row were skipped.
inline constexpr int64_t kMostSkipped = 20;
Status advance_loss_scale(const LossScaleSettings&, bool overflow, LossScaleState* state);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_LOSS_SCALE_H_
