// Element-wise reductions over the buffers of several ranks, by a balanced binary tree over ranks: 0 with 1, 2 with 3,
// their sums with each other, and so on. Two ranks that each held the sum of a half add to the same bits as the ranks
// of both halves do (model/shards.h), and the rounding error grows with the logarithm of their number.
#ifndef MILLRACE_COMM_REDUCE_H_
#define MILLRACE_COMM_REDUCE_H_

#include <cstdint>

#include "comm/communicator.h"

namespace millrace {

struct ElementRange {
  int64_t begin, end;
};

// Slices are whole lines, but for the last.
inline constexpr int64_t kLineElements = 64;

// The slice of an all-reduce over `count` elements that a rank adds up for all. Slices of two ranks never share a cache
// line, and start where vectors of 16 bytes do if the buffer does. None has more than
// ceil(ceil(count / kLineElements) / num_ranks) lines.
ElementRange slice_of(int64_t count, int rank, int num_ranks);

// For each element e of [begin, end): the reduction of sources[0..num_sources)[e] is stored to
// destinations[0..num_destinations)[e - offset]. The 16-bit formats are added up in f32 and rounded once. Destinations
// may be sources when offset is 0.
void reduce_range(DType dtype, ReduceOp op, const void* const* sources, int num_sources, void* const* destinations,
                  int num_destinations, int64_t offset, int64_t begin, int64_t end);

}  // namespace millrace

#endif  // MILLRACE_COMM_REDUCE_H_
