// Reductions over the buffers of several ranks on GPUs, by the tree of comm/reduce.h and with its bits.
#ifndef MILLRACE_COMM_DEVICE_REDUCE_H_
#define MILLRACE_COMM_DEVICE_REDUCE_H_

#include <cstdint>

#include "comm/reduce.h"
#include "cuda/runtime.h"

namespace millrace {

// As the arguments of reduce_range(); all pointers can be reached from the GPU of the stream.
struct DeviceReduction {
  static constexpr int kMostRanks = 64;

  const void* sources[kMostRanks];
  void* destinations[kMostRanks];
  int num_sources;
  int num_destinations;
  ReduceOp op;
  int64_t offset;
  ElementRange range;
};

// Enqueues it: one kernel, or none for an empty range.
Status enqueue_reduction(Stream& stream, DType dtype, const DeviceReduction& reduction);

}  // namespace millrace

#endif  // MILLRACE_COMM_DEVICE_REDUCE_H_
