// Points of a stream as CUDA events with times. Events are made as they are needed and kept for the next round.
#ifndef MILLRACE_CUDA_STOPWATCH_H_
#define MILLRACE_CUDA_STOPWATCH_H_

#include <memory>

#include "core/stopwatch.h"
#include "cuda/runtime.h"

namespace millrace::cuda {

// For the rank that `stream` belongs to, on its thread.
std::unique_ptr<Stopwatch> event_stopwatch(Stream& stream);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_STOPWATCH_H_
