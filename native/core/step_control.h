// StepControl: what decides an optimizer step, as one record in the memory of the device. The step itself advances it,
// so that learning rate, clip factor, loss scale and the decision to skip need no round trip to the host; the host
// reads a copy afterwards. The functions are shared by all backends: a GPU calls them from one thread of a kernel.
//
// All fields have 8 bytes, so the record is a tensor, and a field of it is one, too.
#ifndef MILLRACE_CORE_STEP_CONTROL_H_
#define MILLRACE_CORE_STEP_CONTROL_H_

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/host_device.h"
#include "core/tensor.h"

namespace millrace {

enum class StepVerdict : int64_t {
  kApplied,
  kSkipped,    // the gradient was not finite; nothing is updated
  kExhausted,  // and there is nothing left to try: the smallest loss scale, or kMostSkipped in a row
  kHeld,       // the step before was skipped and the host has not looked at it yet: this one did not happen
};

struct StepControl {
  // State between steps, kept in checkpoints.
  int64_t steps;    // batches consumed
  int64_t updates;  // of these, applied; the schedule and the moments go by it
  double loss_scale;
  int64_t good_steps;  // in a row, since the scale last changed
  int64_t hysteresis;  // overflows left, counting the one that halves
  int64_t skipped;     // steps skipped in a row
  // The step under way.
  int64_t draw_step;    // names its random draws
  double share;         // 1 / (counted tokens of the global batch)
  double loss_sum;      // over the counted tokens that this rank has seen, then over all
  double norm_squared;  // of the scaled gradient: this rank's part of the sum, then all of it
  // What was decided; the result of the step.
  double loss;
  double gradient_norm;  // before clipping, of the unscaled gradient
  double learning_rate;
  double used_loss_scale;
  double gradient_factor;  // on the stored gradient: clip factor / loss scale
  int64_t verdict;         // StepVerdict
  int64_t hold;            // 1 after a skipped step until the host clears it

  // On d(sum of losses): the mean over the batch, times the loss scale.
  MR_HOST_DEVICE double gradient_scale() const { return loss_scale * share; }
  MR_HOST_DEVICE bool applied() const { return verdict == static_cast<int64_t>(StepVerdict::kApplied); }
};

inline constexpr int64_t kStepControlFields = sizeof(StepControl) / 8;
static_assert(sizeof(StepControl) == static_cast<size_t>(kStepControlFields) * 8);

// Begins a step: names its draws, sets its share, clears its sums. A held step begins like any other.
MR_HOST_DEVICE inline void begin_step(int64_t draw_step, double share, StepControl& control) {
  control.draw_step = draw_step;
  control.share = share;
  control.loss_sum = 0;
  control.norm_squared = 0;
}

// A field of control((fields) f64) as a tensor of one f64.
inline Tensor control_field(Tensor control, size_t offset) { return control.rows(static_cast<int64_t>(offset / 8), 1); }

enum class Decay : uint8_t { kCosine, kLinear, kConstant };

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
struct LearningRateSchedule {
  Decay decay = Decay::kCosine;
  double peak = 0;
  double floor = 0;
  int64_t warmup_steps = 0;
  int64_t decay_steps = 0;  // warm-up included

  MR_HOST_DEVICE double at(int64_t update) const {
    if (update <= warmup_steps) return peak * static_cast<double>(update) / static_cast<double>(warmup_steps);
    if (decay == Decay::kConstant) return peak;
    const int64_t length = decay_steps - warmup_steps;
    const double reached = static_cast<double>(update - warmup_steps) / static_cast<double>(length < 1 ? 1 : length);
    const double progress = reached < 1.0 ? reached : 1.0;
    constexpr double kPi = 3.14159265358979323846;
    const double rate = decay == Decay::kCosine ? 0.5 * peak * (1.0 + cos(kPi * progress)) : peak * (1.0 - progress);
    return rate > floor ? rate : floor;
  }
};

// Loss scaling of fp16 (Megatron-LM, section 4.2: "mixed precision training with dynamic loss scaling"). The loss is
// multiplied by a power of two, so that small gradients do not vanish below 2^-24, and the optimizer divides by it. The
// first overflow after a doubling only uses up the hysteresis; each later one halves the scale; `window` clean steps in
// a row double it and restore the hysteresis. A step that overflowed updates nothing. bf16 and fp32 have the range of
// f32 and are not scaled.
struct LossScaleSettings {
  bool dynamic = false;  // false: the scale is 1, always
  double initial = 0x1p32;
  double minimum = 1;
  int64_t window = 1000;   // clean steps in a row that double the scale
  int64_t hysteresis = 2;  // overflows, the last of which halves it
};

// Skipped steps in a row that end a run whose loss is not scaled.
inline constexpr int64_t kMostSkipped = 20;

// All that decide_step() goes by; the same for a whole run.
struct StepRules {
  LearningRateSchedule schedule;
  LossScaleSettings loss_scale;
  double clip_norm = 0;  // of the global gradient; 0: no clipping
};

// The loss scale's part of what follows from an overflow; false when there is nothing left to try.
MR_HOST_DEVICE inline bool lower_loss_scale(const LossScaleSettings& settings, StepControl& control) {
  control.good_steps = 0;
  ++control.skipped;
  if (!settings.dynamic) return control.skipped < kMostSkipped;
  if (control.hysteresis > 1) {
    --control.hysteresis;
    return true;
  }
  if (control.loss_scale / 2 < settings.minimum) return false;
  control.loss_scale /= 2;  // by a power of two: scaling rounds nothing
  return true;
}

MR_HOST_DEVICE inline void raise_loss_scale(const LossScaleSettings& settings, StepControl& control) {
  control.skipped = 0;
  if (!settings.dynamic || ++control.good_steps < settings.window) return;
  control.loss_scale *= 2;
  control.good_steps = 0;
  control.hysteresis = settings.hysteresis;
}

// Decides the step whose loss_sum and norm_squared are complete: equal bits on all ranks, so all decide alike without
// asking each other. Gradients are finite when their norm is: squares of floats cannot overflow a double sum.
MR_HOST_DEVICE inline void decide_step(const StepRules& rules, StepControl& control) {
  if (control.hold != 0) {
    control.verdict = static_cast<int64_t>(StepVerdict::kHeld);
    return;
  }
  control.loss = control.loss_sum * control.share;
  control.used_loss_scale = control.loss_scale;
  control.gradient_norm = sqrt(control.norm_squared) / control.loss_scale;
  control.learning_rate = rules.schedule.at(control.updates + 1);
  ++control.steps;
  if (!(control.gradient_norm <= 1.7976931348623157e308)) {
    const bool more = lower_loss_scale(rules.loss_scale, control);
    control.verdict = static_cast<int64_t>(more ? StepVerdict::kSkipped : StepVerdict::kExhausted);
    control.hold = 1;
    return;
  }
  double clip = 1.0;
  if (rules.clip_norm > 0) {
    const double factor = rules.clip_norm / (control.gradient_norm + 1e-6);
    if (factor < 1.0) clip = factor;
  }
  control.gradient_factor = clip / control.loss_scale;
  ++control.updates;
  raise_loss_scale(rules.loss_scale, control);
  control.verdict = static_cast<int64_t>(StepVerdict::kApplied);
}

}  // namespace millrace

#endif  // MILLRACE_CORE_STEP_CONTROL_H_
