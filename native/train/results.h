// What a rank waits for on its device, and whether it may take what lies there for results: a collective of a group
// that was ended leaves anything behind, and no error of the device (comm/communicator.h).
#ifndef MILLRACE_TRAIN_RESULTS_H_
#define MILLRACE_TRAIN_RESULTS_H_

#include "core/device.h"
#include "train/place.h"

namespace millrace {

// Waits for all that was enqueued, or for the point that `event` marks. An error of the device; or, when one of the
// rank's groups has been ended, the reason of that, under its code.
Status await_results(const Place&, Context&);
Status await_results(const Place&, Device&, const Event& event);

}  // namespace millrace

#endif  // MILLRACE_TRAIN_RESULTS_H_
