#include "cuda/attention.h"

#include "cuda/cuda_ops.h"
#if MILLRACE_HAVE_CUDNN
#include "cuda/cudnn_attention.h"
#endif

namespace millrace::cuda {

const char* attention_engine_name(AttentionEngine engine) {
  switch (engine) {
    case AttentionEngine::kPlain:
      return "plain";
    case AttentionEngine::kFlash:
      return "flash";
    case AttentionEngine::kCudnn:
      break;
  }
  return "cudnn";
}

namespace {

// The library's engine has no masks of ours, and its bits may change with the number of heads: verifying needs them not
// to.
[[maybe_unused]] bool library_may_take(const Context& context, DType dtype, const AttentionShape& s,
                                       const Dropout& dropout) {
  const bool verifying = context.work_parts != 0;
  return flash_attention_takes(dtype, s) && dropout.p == 0.0f && !verifying;
}

// Sets aside what the library may need and gives it back, so that as much is planned as is used, whichever engine is
// chosen in the end.
Status reserve([[maybe_unused]] Context& context, [[maybe_unused]] DType dtype,
               [[maybe_unused]] const AttentionShape& s, [[maybe_unused]] const Dropout& dropout,
               [[maybe_unused]] bool backward) {
#if MILLRACE_HAVE_CUDNN
  if (!library_may_take(context, dtype, s, dropout)) return ok();
  Tensor workspace;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(
      context.scratch->alloc(DType::kI32, Shape(cudnn_attention_workspace(s, backward) / 4), &workspace));
  context.scratch->release(mark);
#endif
  return ok();
}

}  // namespace

AttentionEngine choose_attention_engine([[maybe_unused]] Context& context, DType dtype, const AttentionShape& s,
                                        [[maybe_unused]] const Dropout& dropout, [[maybe_unused]] bool backward) {
  if (!flash_attention_takes(dtype, s)) return AttentionEngine::kPlain;
#if MILLRACE_HAVE_CUDNN
  if (!planning(context) && library_may_take(context, dtype, s, dropout) &&
      cudnn_attention_takes(context, dtype, s, backward)) {
    return AttentionEngine::kCudnn;
  }
#endif
  return AttentionEngine::kFlash;
}

template <class T>
Status attention_forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv,
                         const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_forward(dtype_of<T>(), s, out, lse, qkv));
  MR_RETURN_IF_ERROR(reserve(context, dtype_of<T>(), s, dropout, false));
  const AttentionEngine engine = choose_attention_engine(context, dtype_of<T>(), s, dropout, false);
  if constexpr (sizeof(T) == 2) {
    if (engine == AttentionEngine::kFlash) {
      return flash_attention_forward<T>(context, s, out, lse, qkv, dropout);
    }
#if MILLRACE_HAVE_CUDNN
    if (engine == AttentionEngine::kCudnn) return cudnn_attention_forward(context, s, out, lse, qkv);
#endif
  }
  return plain_attention_forward<T>(context, s, out, lse, qkv, dropout);
}

template <class T>
Status attention_backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                          Tensor lse, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_backward(dtype_of<T>(), s, dqkv, dout, qkv, out, lse));
  MR_RETURN_IF_ERROR(reserve(context, dtype_of<T>(), s, dropout, true));
  const AttentionEngine engine = choose_attention_engine(context, dtype_of<T>(), s, dropout, true);
  if constexpr (sizeof(T) == 2) {
    if (engine == AttentionEngine::kFlash) {
      return flash_attention_backward<T>(context, s, dqkv, dout, qkv, out, lse, dropout);
    }
#if MILLRACE_HAVE_CUDNN
    if (engine == AttentionEngine::kCudnn) return cudnn_attention_backward(context, s, dqkv, dout, qkv, out, lse);
#endif
  }
  return plain_attention_backward<T>(context, s, dqkv, dout, qkv, out, lse, dropout);
}

MR_INSTANTIATE(attention_forward, Context&, const AttentionShape&, Tensor, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(attention_backward, Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor, Tensor,
               const Dropout&);

}  // namespace millrace::cuda
