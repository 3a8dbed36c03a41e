// What each op of core/ops.h demands of its arguments, written once for all backends: every backend begins an op with
// its check. Checks look at shapes and dtypes alone, so they also run while an arena is planned.
#ifndef MILLRACE_CORE_OP_CHECKS_H_
#define MILLRACE_CORE_OP_CHECKS_H_

#include "core/ops.h"

namespace millrace {

// True while an arena is planned: tensors have no data, an op returns after it has allocated its workspace.
inline bool planning(const Context& context) { return context.scratch != nullptr && context.scratch->measuring(); }

Status check_linear_forward(DType, Tensor y, Tensor x, Tensor w, Tensor bias);
Status check_linear_backward_input(DType, Tensor dx, Tensor dy, Tensor w);
Status check_linear_backward_weight(DType, Tensor dw, Tensor dbias, Tensor dy, Tensor x);
Status check_layernorm_forward(DType, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta);
Status check_layernorm_backward(DType, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                                Tensor rstd, Tensor gamma);
Status check_residual_layernorm_forward(DType, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual, Tensor x,
                                        Tensor bias, Tensor gamma, Tensor beta);
Status check_bias_dropout_backward(DType, Tensor dx, Tensor dbias, Tensor dr);
Status check_attention_forward(DType, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv);
Status check_attention_backward(DType, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                                Tensor lse);
Status check_embedding_forward(DType, Tensor x, Tensor tokens, Tensor wte);
Status check_embedding_backward(DType, Tensor dwte, Tensor dx, Tensor tokens);
Status check_position_forward(DType, Tensor x, Tensor wpe);
Status check_position_backward(DType, Tensor dx, Tensor dwpe);
Status check_cross_entropy_max(DType, Tensor maximum, Tensor logits);
Status check_cross_entropy_sum(DType, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum, Tensor targets);
Status check_cross_entropy_loss(DType, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets);
Status check_cross_entropy_backward(DType, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets,
                                    Tensor control);
// One dtype and one number of elements.
Status check_same(DType, Tensor a, Tensor b);
// Of the table's dtype or its wide_dtype(); two of them alike.
Status check_either(DType, Tensor x);
Status check_either(DType, Tensor a, Tensor b);
Status check_sum(DType, Tensor out, Tensor x);
Status check_sum_squares(DType, Tensor out, Tensor x);
Status check_count_non_finite(DType, Tensor out, Tensor x);
Status check_cast(DType, Tensor to, Tensor from);
Status check_adamw(DType, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, Tensor control);
// The tensor of a StepControl.
Status check_control(Tensor control);

}  // namespace millrace

#endif  // MILLRACE_CORE_OP_CHECKS_H_
