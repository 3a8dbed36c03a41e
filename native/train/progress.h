// What a run has done so far; with the seed it is also the state of every random draw to come.
#ifndef MILLRACE_TRAIN_PROGRESS_H_
#define MILLRACE_TRAIN_PROGRESS_H_

#include <cstdint>

#include "train/loss_scale.h"

namespace millrace {

struct Progress {
  int64_t steps = 0;    // batches consumed
  int64_t updates = 0;  // of these, applied; the schedule and the moments go by it
  LossScaleState loss_scale;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_PROGRESS_H_
