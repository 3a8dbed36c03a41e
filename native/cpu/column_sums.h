// Sums over rows next to work that is done row by row: every block of kBlockRows rows has its own partial sums, which
// are added in the order of the blocks, so the result does not depend on the number of threads.
#ifndef MILLRACE_CPU_COLUMN_SUMS_H_
#define MILLRACE_CPU_COLUMN_SUMS_H_

#include <algorithm>

#include "core/op_checks.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

// row(n, partial) does row n and adds to partial[0 .. num_sums * columns), of which sum s, columns
// [s * columns, (s + 1) * columns), is then added to sums[s].
template <class Row>
Status with_column_sums(Context& context, int64_t rows, int64_t columns, float* const* sums, int num_sums,
                        const Row& row) {
  constexpr int64_t kBlockRows = 32;
  const int64_t num_blocks = (rows + kBlockRows - 1) / kBlockRows;
  const int64_t width = num_sums * columns;
  MR_CHECK(context.scratch != nullptr);
  const size_t mark = context.scratch->mark();
  Tensor partials;
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF32, Shape(num_blocks, width), &partials));
  context.scratch->release(mark);  // nothing else is allocated before the end
  if (planning(context)) return ok();
  for_ranges(context, num_blocks, 1, [&](int64_t first, int64_t last) {
    for (int64_t block = first; block < last; ++block) {
      float* partial = partials.as<float>() + block * width;
      std::fill_n(partial, width, 0.0f);
      for (int64_t n = block * kBlockRows; n < std::min(rows, (block + 1) * kBlockRows); ++n) row(n, partial);
    }
  });
  for (int s = 0; s < num_sums; ++s) {
    for (int64_t block = 0; block < num_blocks; ++block) {
      kernels().add(sums[s], partials.as<float>() + block * width + s * columns, columns);
    }
  }
  return ok();
}

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_COLUMN_SUMS_H_
