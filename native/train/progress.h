// What a run has done so far, as checkpoints keep it; with the seed it is also the state of every random draw to come.
// On the device it is part of the step's control.
#ifndef MILLRACE_TRAIN_PROGRESS_H_
#define MILLRACE_TRAIN_PROGRESS_H_

#include <cstdint>

#include "core/status.h"
#include "core/step_control.h"

namespace millrace {

// The fields of StepControl that outlive a step.
struct Progress {
  int64_t steps = 0;
  int64_t updates = 0;
  double loss_scale = 1;
  int64_t good_steps = 0;
  int64_t hysteresis = 0;
  int64_t skipped = 0;

  static Progress first(const LossScaleSettings&);
  static Progress of(const StepControl&);
  // Between two steps: nothing is held.
  StepControl control() const;
};

// The error of a step whose verdict is kExhausted: what was tried and what may help.
Status diverged(const LossScaleSettings&, const StepControl&);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_PROGRESS_H_
