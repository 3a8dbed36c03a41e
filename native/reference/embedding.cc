#include "reference/reference_ops.h"

namespace millrace::reference {

template <class T>
Status Ops<T>::embedding_forward(Context& context, Tensor x, Tensor tokens, Tensor wte, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_forward(dtype_of<T>(), x, tokens, wte));
  if (planning(context)) return ok();
  const int64_t num_columns = wte.dim(1);
  for (int64_t n = 0; n < rows_of(x); ++n) {
    const int64_t row = tokens.as<int32_t>()[n] - range.begin;
    const bool owned = row >= 0 && row < wte.dim(0);
    for (int64_t c = 0; c < num_columns; ++c) {
      x.as<T>()[n * num_columns + c] = owned ? wte.as<T>()[row * num_columns + c] : T{};
    }
  }
  tick(context);
  return ok();
}

template <class T>
Status Ops<T>::embedding_backward(Context& context, Tensor dwte, Tensor dx, Tensor tokens, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_backward(dtype_of<T>(), dwte, dx, tokens));
  if (planning(context)) return ok();
  const int64_t num_columns = dwte.dim(1);
  for (int64_t n = 0; n < rows_of(dx); ++n) {
    const int64_t row = tokens.as<int32_t>()[n] - range.begin;
    if (row < 0 || row >= dwte.dim(0)) continue;
    for (int64_t c = 0; c < num_columns; ++c) {
      dwte.as<Wide<T>>()[row * num_columns + c] += dx.as<T>()[n * num_columns + c];
    }
  }
  tick(context);
  return ok();
}

MR_INSTANTIATE(embedding_forward, Context&, Tensor, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(embedding_backward, Context&, Tensor, Tensor, Tensor, VocabRange);

}  // namespace millrace::reference
