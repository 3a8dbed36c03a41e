// Sums over rows in a fixed order without atomics: parts of the rows have partial sums each, which a second kernel adds
// in their order. How rows are cut depends on the shape alone, so the bits are the same on every GPU.
#ifndef MILLRACE_CUDA_COLUMN_SUMS_H_
#define MILLRACE_CUDA_COLUMN_SUMS_H_

#include "core/ops.h"
#include "core/philox.h"

namespace millrace::cuda {

// Rows of a part, and parts of all rows.
struct RowParts {
  int64_t rows_each = 0;
  int64_t count = 0;

  // At most `most` parts, none of them of fewer than `fewest` rows if there are as many.
  static RowParts of(int64_t rows, int64_t most, int64_t fewest);
};

// Workspace partials(parts.count, width) f32, handed back already: nothing else may be allocated before its last use
// is enqueued.
Status alloc_partials(Context&, const RowParts& parts, int64_t width, Tensor* partials);

// sums[c] += sum over parts of partials[part * width + c]: the first `columns` of a row of `width` go to `first`, the
// rest, if any, to `second`.
Status add_partials(Context&, float* first, float* second, const Tensor& partials, int64_t columns, int64_t width);

// sums(C) f32 += column sums of x(N,C), of T. Takes workspace; plans.
template <class T>
Status add_column_sums(Context&, Tensor sums, Tensor x);

// dx(B,T,C) = dr * mask / (1-p); dbias(C) f32, unless without a shape, += column sums of dx as stored. Takes workspace;
// plans.
template <class T>
Status mask_and_add_column_sums(Context&, Tensor dx, Tensor dbias, Tensor dr, const Dropout&);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_COLUMN_SUMS_H_
