// The launcher as it is, with the emulator's dynamic shared memory.
#ifndef MILLRACE_EMULATOR_CUDA_LAUNCH_H_
#define MILLRACE_EMULATOR_CUDA_LAUNCH_H_

#include "../../../../native/cuda/launch.h"

#undef MR_DYNAMIC_SHARED
#define MR_DYNAMIC_SHARED(T, name) T* name = reinterpret_cast<T*>(::emulator::lane->block->dynamic_shared)

#endif  // MILLRACE_EMULATOR_CUDA_LAUNCH_H_
