// Sums to one f64 with the same bits for any pool: chunks of a fixed size have a partial sum each, added in their
// order.
#ifndef MILLRACE_CPU_CHUNK_SUMS_H_
#define MILLRACE_CPU_CHUNK_SUMS_H_

#include "core/op_checks.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

// out += chunk_sum(begin, end) of the chunks that cover [0, count).
template <class ChunkSum>
Status add_chunk_sums(Context& context, Tensor out, int64_t count, const ChunkSum& chunk_sum) {
  const int64_t num_chunks = (count + kChunkElements - 1) / kChunkElements;
  MR_CHECK(context.scratch != nullptr);
  const size_t mark = context.scratch->mark();
  Tensor partials;
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF64, Shape(num_chunks), &partials));
  context.scratch->release(mark);  // nothing else is allocated before the end
  if (planning(context)) return ok();
  for_ranges(context, count, kChunkElements, [&](int64_t begin, int64_t end) {
    partials.as<double>()[begin / kChunkElements] = chunk_sum(begin, end);
  });
  double sum = 0.0;
  for (int64_t i = 0; i < num_chunks; ++i) sum += partials.as<double>()[i];
  *out.as<double>() += sum;
  return ok();
}

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_CHUNK_SUMS_H_
