#include "cuda/attention_flash.h"

namespace millrace::cuda {

template <class T>
Status flash_attention_backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv,
                                Tensor out, Tensor lse, const Dropout& dropout) {
  Tensor delta;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF32, Shape(s.batch * s.heads * s.time), &delta));
  context.scratch->release(mark);
  if (planning(context) || out.num_elements() == 0) return ok();
  const FlashBackward<T> tensors{dqkv.as<T>(), dout.as<T>(),    qkv.as<T>(),
                                 out.as<T>(),  lse.as<float>(), delta.as<float>()};
  MR_RETURN_IF_ERROR(flash_backward_queries(context, s, tensors, dropout));
  return flash_backward_keys(context, s, tensors, dropout);
}

template Status flash_attention_backward<BFloat16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor,
                                                   Tensor, const Dropout&);
template Status flash_attention_backward<Float16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor,
                                                  Tensor, const Dropout&);

}  // namespace millrace::cuda
