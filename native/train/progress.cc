#include "train/progress.h"

#include <string>

namespace millrace {

namespace {

std::string text(double scale) {
  std::string digits = std::to_string(scale);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.back() == '.') digits.pop_back();
  return digits;
}

}  // namespace

Progress Progress::first(const LossScaleSettings& settings) {
  Progress progress;
  if (settings.dynamic) progress.loss_scale = settings.initial;
  progress.hysteresis = settings.hysteresis;
  return progress;
}

Progress Progress::of(const StepControl& control) {
  return Progress{control.steps,      control.updates,    control.loss_scale,
                  control.good_steps, control.hysteresis, control.skipped};
}

StepControl Progress::control() const {
  StepControl control{};
  control.steps = steps;
  control.updates = updates;
  control.loss_scale = loss_scale;
  control.good_steps = good_steps;
  control.hysteresis = hysteresis;
  control.skipped = skipped;
  return control;
}

Status diverged(const LossScaleSettings& settings, const StepControl& control) {
  const std::string what = settings.dynamic ? "at the smallest loss scale, " + text(control.loss_scale) +
                                                  "; bf16 has a wider range than fp16"
                                            : "in " + std::to_string(control.skipped) + " steps in a row";
  return Status(
      MR_DIVERGED,
      "expected finite gradients, got none " + what +
          "; lower the learning rate, lengthen its warm-up or clip lower; the last checkpoint is from before");
}

}  // namespace millrace
