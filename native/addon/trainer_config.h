// NativeTrainerConfig of src/native/trainer.ts as the C API's struct.
#ifndef MILLRACE_ADDON_TRAINER_CONFIG_H_
#define MILLRACE_ADDON_TRAINER_CONFIG_H_

#include <napi.h>

#include <memory>
#include <string>

#include "millrace/trainer.h"

namespace millrace::addon {

struct TrainerConfigValues {
  mr_trainer_config config{};
  // What config points at; on the heap, so that this struct may be moved.
  std::shared_ptr<std::string> backend, precision;
};

// Throws a JavaScript error that names the key, what was expected and what came. Unknown keys are refused.
TrainerConfigValues trainer_config_of(Napi::Env env, Napi::Value value);

}  // namespace millrace::addon

#endif  // MILLRACE_ADDON_TRAINER_CONFIG_H_
