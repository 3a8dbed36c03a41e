// Takes the place of CUDA's header where the .cu files are compiled for the emulator (README.md in this folder).
#ifndef MILLRACE_EMULATOR_CUDA_RUNTIME_H_
#define MILLRACE_EMULATOR_CUDA_RUNTIME_H_

#include "emulator/device_language.h"
#include "emulator/kernel_launch.h"
#include "emulator/runtime_api.h"

#endif  // MILLRACE_EMULATOR_CUDA_RUNTIME_H_
