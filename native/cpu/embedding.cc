#include <algorithm>

#include "cpu/cpu_ops.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

Status embedding_forward(Context& context, Tensor x, Tensor tokens, Tensor wte, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_forward(DType::kF32, x, tokens, wte));
  if (planning(context)) return ok();
  const int64_t num_columns = wte.dim(1);
  for_rows(context, rows_of(x), num_columns, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t row = tokens.as<int32_t>()[n] - range.begin;
      float* to = x.as<float>() + n * num_columns;
      if (row >= 0 && row < wte.dim(0)) {
        std::copy_n(wte.as<float>() + row * num_columns, num_columns, to);
      } else {
        std::fill_n(to, num_columns, 0.0f);
      }
    }
  });
  return ok();
}

Status embedding_backward(Context& context, Tensor dwte, Tensor dx, Tensor tokens, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_backward(DType::kF32, dwte, dx, tokens));
  if (planning(context)) return ok();
  const int64_t num_columns = dwte.dim(1);
  const int64_t num_rows = rows_of(dx);
  // Tokens repeat, so a thread owns columns, a cache line or more, and adds all rows in their order.
  constexpr int64_t kColumns = 64;
  for_ranges(context, num_columns, kColumns, [&](int64_t begin, int64_t end) {
    for (int64_t n = 0; n < num_rows; ++n) {
      const int64_t row = tokens.as<int32_t>()[n] - range.begin;
      if (row < 0 || row >= dwte.dim(0)) continue;
      kernels().add(dwte.as<float>() + row * num_columns + begin, dx.as<float>() + n * num_columns + begin,
                    end - begin);
    }
  });
  return ok();
}

}  // namespace millrace::cpu
