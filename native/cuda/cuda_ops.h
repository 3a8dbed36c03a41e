// The ops of core/ops.h on a GPU, for T in float, BFloat16 and Float16: the same files and signatures as in reference/
// and cpu/. An op checks, takes its workspace, returns if it is only planned, and enqueues on the context's stream.
// Each is instantiated in the file of its name, by MR_INSTANTIATE; one that is missing does not link.
#ifndef MILLRACE_CUDA_CUDA_OPS_H_
#define MILLRACE_CUDA_CUDA_OPS_H_

#include <type_traits>

#include "core/half.h"
#include "core/op_checks.h"

namespace millrace::cuda {

template <class T>
constexpr DType dtype_of() {
  if (std::is_same_v<T, BFloat16>) return DType::kBF16;
  if (std::is_same_v<T, Float16>) return DType::kF16;
  return DType::kF32;
}

template <class T>
Status linear_forward(Context&, Tensor y, Tensor x, Tensor w, Tensor bias);
template <class T>
Status linear_gelu_forward(Context&, Gelu, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias);
template <class T>
Status gelu_forward(Context&, Gelu, Tensor y, Tensor pre);
template <class T>
Status linear_backward_input(Context&, Tensor dx, Tensor dy, Tensor w, bool accumulate);
template <class T>
Status linear_gelu_backward_input(Context&, Gelu, Tensor dpre, Tensor dy, Tensor w, Tensor pre);
template <class T>
Status linear_backward_weight(Context&, Tensor dw, Tensor dbias, Tensor dy, Tensor x);
template <class T>
Status layernorm_forward(Context&, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta,
                         double epsilon);
template <class T>
Status layernorm_backward(Context&, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                          Tensor rstd, Tensor gamma);
template <class T>
Status residual_layernorm_forward(Context&, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual, Tensor x,
                                  Tensor bias, Tensor gamma, Tensor beta, double epsilon, const Dropout&);
template <class T>
Status bias_dropout_backward(Context&, Tensor dx, Tensor dbias, Tensor dr, const Dropout&);
template <class T>
Status attention_forward(Context&, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv, const Dropout&);
template <class T>
Status attention_backward(Context&, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse,
                          const Dropout&);
template <class T>
Status embedding_forward(Context&, Tensor x, Tensor tokens, Tensor wte, VocabRange);
template <class T>
Status embedding_backward(Context&, Tensor dwte, Tensor dx, Tensor tokens, VocabRange);
template <class T>
Status position_forward(Context&, Tensor x, Tensor wpe, const Dropout&);
template <class T>
Status position_backward(Context&, Tensor dx, Tensor dwpe, const Dropout&);
template <class T>
Status cross_entropy_max(Context&, Tensor maximum, Tensor logits, VocabRange);
template <class T>
Status cross_entropy_sum(Context&, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum, Tensor targets,
                         VocabRange);
template <class T>
Status cross_entropy_loss(Context&, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets);
template <class T>
Status cross_entropy_backward(Context&, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets, VocabRange,
                              Tensor control);
template <class T>
Status fill(Context&, Tensor x, double value);
template <class T>
Status add(Context&, Tensor y, Tensor x);
template <class T>
Status maximum(Context&, Tensor y, Tensor x);
template <class T>
Status scale(Context&, Tensor x, double value);
template <class T>
Status sum(Context&, Tensor out, Tensor x);
template <class T>
Status sum_squares(Context&, Tensor out, Tensor x);
template <class T>
Status count_non_finite(Context&, Tensor out, Tensor x);
template <class T>
Status cast(Context&, Tensor to, Tensor from);
// These know no dtype but f64 and the control's.
Status begin_step(Context&, Tensor control, int64_t draw_step, double share);
Status decide_step(Context&, Tensor control, const StepRules&);
template <class T>
Status adamw(Context&, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, const AdamW&, Tensor control);

// In the file of an op: its three instances, from the types of its parameters.
#define MR_INSTANTIATE(op, ...)              \
  template Status op<float>(__VA_ARGS__);    \
  template Status op<BFloat16>(__VA_ARGS__); \
  template Status op<Float16>(__VA_ARGS__)

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_CUDA_OPS_H_
