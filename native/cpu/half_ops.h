// The ops of core/ops.h for bf16 and f16 on all threads of the context's pool. They differ from those of cpu_ops.h in
// what is stored, not in how it is computed: products are half_linear.cc's, all else works on f32 stand-ins.
#ifndef MILLRACE_CPU_HALF_OPS_H_
#define MILLRACE_CPU_HALF_OPS_H_

#include "core/op_checks.h"

namespace millrace::cpu {

// One function a table entry that f32's own functions cannot be; bf16 and f16 are instantiated in the file of the op.
template <DType kType>
struct HalfOps {
  static Status linear_forward(Context&, Tensor y, Tensor x, Tensor w, Tensor bias);
  static Status linear_gelu_forward(Context&, Gelu, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias);
  static Status gelu_forward(Context&, Gelu, Tensor y, Tensor pre);
  static Status linear_backward_input(Context&, Tensor dx, Tensor dy, Tensor w, bool accumulate);
  static Status linear_gelu_backward_input(Context&, Gelu, Tensor dpre, Tensor dy, Tensor w, Tensor pre);
  static Status linear_backward_weight(Context&, Tensor dw, Tensor dbias, Tensor dy, Tensor x);
  static Status layernorm_forward(Context&, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta,
                                  double epsilon);
  static Status layernorm_backward(Context&, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                                   Tensor rstd, Tensor gamma);
  static Status residual_layernorm_forward(Context&, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual,
                                           Tensor x, Tensor bias, Tensor gamma, Tensor beta, double epsilon,
                                           const Dropout&);
  static Status bias_dropout_backward(Context&, Tensor dx, Tensor dbias, Tensor dr, const Dropout&);
  static Status attention_forward(Context&, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv, const Dropout&);
  static Status attention_backward(Context&, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                                   Tensor lse, const Dropout&);
  static Status embedding_forward(Context&, Tensor x, Tensor tokens, Tensor wte, VocabRange);
  static Status embedding_backward(Context&, Tensor dwte, Tensor dx, Tensor tokens, VocabRange);
  static Status position_forward(Context&, Tensor x, Tensor wpe, const Dropout&);
  static Status position_backward(Context&, Tensor dx, Tensor dwpe, const Dropout&);
  static Status cross_entropy_max(Context&, Tensor maximum, Tensor logits, VocabRange);
  static Status cross_entropy_sum(Context&, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum,
                                  Tensor targets, VocabRange);
  static Status cross_entropy_backward(Context&, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets,
                                       VocabRange, Tensor control);
  static Status fill(Context&, Tensor x, double value);
  static Status add(Context&, Tensor y, Tensor x);
  static Status maximum(Context&, Tensor y, Tensor x);
  static Status scale(Context&, Tensor x, double value);
};

#define MR_INSTANTIATE(op, ...)                           \
  template Status HalfOps<DType::kBF16>::op(__VA_ARGS__); \
  template Status HalfOps<DType::kF16>::op(__VA_ARGS__)

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_HALF_OPS_H_
