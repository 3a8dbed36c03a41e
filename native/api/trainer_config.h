// From the C API's configuration to the trainer's: every field is checked here and nowhere else.
#ifndef MILLRACE_API_TRAINER_CONFIG_H_
#define MILLRACE_API_TRAINER_CONFIG_H_

#include "core/ops.h"
#include "core/status.h"
#include "millrace/trainer.h"
#include "train/config.h"

namespace millrace {

// MR_INVALID_ARGUMENT names the field, what was expected and what came. The status page's fields are not looked at.
Status read_trainer_config(const mr_trainer_config& from, TrainerConfig* out);

// The table that `backend` and `precision` name; MR_NO_DEVICE when this build or machine has none.
Status find_backend(const mr_trainer_config& from, const OpTable** out);

}  // namespace millrace

#endif  // MILLRACE_API_TRAINER_CONFIG_H_
