// The rows of a batch by the token that they hold, so that a table's gradient is added up without atomics: a stable
// radix sort on the device, for any vocabulary.
#ifndef MILLRACE_CUDA_TOKEN_RUNS_H_
#define MILLRACE_CUDA_TOKEN_RUNS_H_

#include "core/ops.h"

namespace millrace::cuda {

// In device memory, all i32. Run r holds the rows place[start[r]] .. place[start[r + 1] - 1] of the batch, ascending,
// whose token is row `id[start[r]]` of the rank's table. Rows of other ranks' tokens are in no run.
struct TokenRuns {
  const int32_t* id = nullptr;
  const int32_t* place = nullptr;
  const int32_t* start = nullptr;
  const int32_t* count = nullptr;  // (1): how many runs
};

// Takes workspace of 5 N + 2 numbers, which is the caller's to release; plans.
Status group_tokens(Context&, Tensor tokens, int64_t table_rows, int64_t vocab_begin, TokenRuns* out);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_TOKEN_RUNS_H_
