// The ops of core/ops.h for f32 on all threads of the context's pool: the same files and signatures as in reference/.
// An op checks, cuts its work into ranges and hands each to the inner loops of cpu/kernels/ or to a matrix product.
#ifndef MILLRACE_CPU_CPU_OPS_H_
#define MILLRACE_CPU_CPU_OPS_H_

#include "core/op_checks.h"

namespace millrace::cpu {

Status linear_forward(Context&, Tensor y, Tensor x, Tensor w, Tensor bias);
Status gelu_forward(Context&, Gelu, Tensor y, Tensor pre);
Status linear_gelu_forward(Context&, Gelu, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias);
Status linear_backward_input(Context&, Tensor dx, Tensor dy, Tensor w, bool accumulate);
Status linear_gelu_backward_input(Context&, Gelu, Tensor dpre, Tensor dy, Tensor w, Tensor pre);
Status linear_backward_weight(Context&, Tensor dw, Tensor dbias, Tensor dy, Tensor x);
Status layernorm_forward(Context&, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta,
                         double epsilon);
Status layernorm_backward(Context&, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                          Tensor rstd, Tensor gamma);
Status residual_layernorm_forward(Context&, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual, Tensor x,
                                  Tensor bias, Tensor gamma, Tensor beta, double epsilon, const Dropout&);
Status bias_dropout_backward(Context&, Tensor dx, Tensor dbias, Tensor dr, const Dropout&);
Status attention_forward(Context&, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv, const Dropout&);
Status attention_backward(Context&, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out, Tensor lse,
                          const Dropout&);
Status embedding_forward(Context&, Tensor x, Tensor tokens, Tensor wte, VocabRange);
Status embedding_backward(Context&, Tensor dwte, Tensor dx, Tensor tokens, VocabRange);
Status position_forward(Context&, Tensor x, Tensor wpe, const Dropout&);
Status position_backward(Context&, Tensor dx, Tensor dwpe, const Dropout&);
Status cross_entropy_max(Context&, Tensor maximum, Tensor logits, VocabRange);
Status cross_entropy_sum(Context&, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum, Tensor targets,
                         VocabRange);
Status cross_entropy_loss(Context&, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets);
Status cross_entropy_backward(Context&, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets, VocabRange,
                              Tensor control);
Status fill(Context&, Tensor x, double value);
Status add(Context&, Tensor y, Tensor x);
Status maximum(Context&, Tensor y, Tensor x);
Status scale(Context&, Tensor x, double value);
// x may be of f64 too.
Status sum(Context&, Tensor out, Tensor x);
Status sum_squares(Context&, Tensor out, Tensor x);
// These take tensors of the 16-bit formats too.
Status count_non_finite(Context&, Tensor out, Tensor x);
Status cast(Context&, Tensor to, Tensor from);
Status adamw(Context&, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, const AdamW&, Tensor control);
Status begin_step(Context&, Tensor control, int64_t draw_step, double share);
Status decide_step(Context&, Tensor control, const StepRules&);

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_CPU_OPS_H_
