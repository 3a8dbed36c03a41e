// Element-wise reductions over the buffers of several ranks, in rank order.
#ifndef MILLRACE_COMM_REDUCE_H_
#define MILLRACE_COMM_REDUCE_H_

#include <cstdint>

#include "comm/communicator.h"

namespace millrace {

// For each element e of [begin, end): the reduction of sources[0..num_sources)[e], added from left to right, is stored
// to destinations[0..num_destinations)[e - offset]. Destinations may be sources when offset is 0.
void reduce_range(DType dtype, ReduceOp op, const void* const* sources, int num_sources, void* const* destinations,
                  int num_destinations, int64_t offset, int64_t begin, int64_t end);

}  // namespace millrace

#endif  // MILLRACE_COMM_REDUCE_H_
