#include "train/loss_scale.h"

#include <string>

namespace millrace {

namespace {

constexpr double kFactor = 2.0;  // a power of two: scaling rounds nothing

Status diverged(const std::string& what) {
  return Status(
      MR_DIVERGED,
      "expected finite gradients, got none " + what +
          "; lower the learning rate, lengthen its warm-up or clip lower; the last checkpoint is from before");
}

std::string text(double scale) {
  std::string digits = std::to_string(scale);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

Status after_overflow(const LossScaleSettings& settings, LossScaleState* state) {
  state->good_steps = 0;
  ++state->skipped;
  if (!settings.dynamic) {
    if (state->skipped < kMostSkipped) return ok();
    return diverged("in " + std::to_string(state->skipped) + " steps in a row");
  }
  if (state->hysteresis > 1) {
    --state->hysteresis;
    return ok();
  }
  if (state->scale / kFactor < settings.minimum) {
    return diverged("at the smallest loss scale, " + text(state->scale) + "; bf16 has a wider range than fp16");
  }
  state->scale /= kFactor;
  return ok();
}

}  // namespace

LossScaleState first_loss_scale(const LossScaleSettings& settings) {
  LossScaleState state;
  if (settings.dynamic) state.scale = settings.initial;
  state.hysteresis = settings.hysteresis;
  return state;
}

Status advance_loss_scale(const LossScaleSettings& settings, bool overflow, LossScaleState* state) {
  if (overflow) return after_overflow(settings, state);
  state->skipped = 0;
  if (!settings.dynamic || ++state->good_steps < settings.window) return ok();
  state->scale *= kFactor;
  state->good_steps = 0;
  state->hysteresis = settings.hysteresis;
  return ok();
}

}  // namespace millrace
