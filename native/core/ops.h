// The op list: every operation the model and the optimizer use, in one table that a backend fills. The unit is the
// fused op; the reference backend composes its plain steps. Each op is one file of the same name in reference/, cpu/,
// cuda/.
//
// Conventions: shapes by the legend of core/tensor.h; weights are (out, in); "+=" accumulates into what is there, "="
// overwrites. Outputs never alias inputs unless said. Collectives are not ops: between the vocabulary-parallel steps
// the model calls the communicator. A call may return before the work is done on a backend with streams; errors of
// arguments are returned at once.
//
// Dtypes: activations, their gradients and the weights that ops read have the table's dtype. Statistics (mean, rstd,
// lse, all of the cross entropy), gradients of weights, masters and moments have wide_dtype() of it: f32 in a bf16 or
// f16 table. Arithmetic, softmax and sums are in the wide dtype or finer; a tensor is rounded once, when it is stored.
// Where a fused op stores a tensor on its way, what follows reads it as stored, so that computing it again from what
// was kept gives the same bits.
//
// Planning: with a measuring ctx.scratch every op allocates its workspace from it as it would, releases it and returns
// ok(); it looks at shapes alone, for all data pointers are null then. So an arena is planned by the code that runs.
#ifndef MILLRACE_CORE_OPS_H_
#define MILLRACE_CORE_OPS_H_

#include <cstdint>

#include "core/context.h"
#include "core/philox.h"
#include "core/status.h"
#include "core/step_control.h"
#include "core/tensor.h"

namespace millrace {

// Causal self-attention of this rank's heads.
struct AttentionShape {
  int64_t batch = 0;        // B
  int64_t time = 0;         // T
  int64_t heads = 0;        // H_p, heads of this rank
  int64_t head_size = 0;    // D
  int64_t head_begin = 0;   // global index of this rank's first head
  int64_t heads_total = 0;  // H; with head_begin it makes dropout indices global
  bool causal = true;
};

// This rank's share of the vocabulary: ids [begin, begin + V_p); ids >= size are padding and have no probability.
struct VocabRange {
  int64_t begin = 0;
  int64_t size = 0;  // true vocabulary size of the whole model
};

enum class Gelu : uint8_t { kTanh, kErf };

// What a run fixes; learning rate, update count and the factor on the gradient come from the step's control.
struct AdamW {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
};

struct OpTable {
  const char* name = nullptr;  // "reference", "cpu", "cuda"
  DType dtype = DType::kF32;
  // How many logits are worth computing at once, over all ranks: fewer rows than that starve the products of the head,
  // more add memory without adding speed. 16 Mi are 333 rows of 50,257, which a processor's cache holds.
  int64_t logits_at_once = int64_t{16} << 20;

  // y(N,O) = x(N,I) w(O,I)^T + bias(O); bias may be empty.
  Status (*linear_forward)(Context&, Tensor y, Tensor x, Tensor w, Tensor bias);
  // pre(N,O) = x w^T + bias, y = gelu(pre); pre is kept for the backward pass.
  Status (*linear_gelu_forward)(Context&, Gelu, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias);
  // y = gelu(pre), of `pre` as stored: the bits that linear_gelu_forward gave where context.gelu_recomputed, and
  // otherwise the same but for that rounding.
  Status (*gelu_forward)(Context&, Gelu, Tensor y, Tensor pre);
  // dx(N,I) = dy(N,O) w(O,I); with accumulate, +=.
  Status (*linear_backward_input)(Context&, Tensor dx, Tensor dy, Tensor w, bool accumulate);
  // dpre(N,I) = (dy(N,O) w(O,I)) * gelu'(pre(N,I)); pre of the layer below.
  Status (*linear_gelu_backward_input)(Context&, Gelu, Tensor dpre, Tensor dy, Tensor w, Tensor pre);
  // dw(O,I) += dy^T x; dbias(O) += column sums of dy, unless empty.
  Status (*linear_backward_weight)(Context&, Tensor dw, Tensor dbias, Tensor dy, Tensor x);

  // y = gamma * (x - mean) * rstd + beta over C; mean(N), rstd(N) kept. x, y (N,C).
  Status (*layernorm_forward)(Context&, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta,
                              double epsilon);
  // dx(N,C) += gradient through the norm; dgamma(C) +=, dbeta(C) +=.
  Status (*layernorm_backward)(Context&, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                               Tensor rstd, Tensor gamma);
  // r(B,T,C) = residual + dropout(x + bias); then y, mean, rstd = layernorm(r). bias of a row-parallel layer, added
  // after its reduction. y empty: no norm follows. The norm is of r as stored: layernorm_forward(r) has the same bits.
  Status (*residual_layernorm_forward)(Context&, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual,
                                       Tensor x, Tensor bias, Tensor gamma, Tensor beta, double epsilon,
                                       const Dropout&);
  // dx(B,T,C) = dr * mask / (1-p); dbias(C) += column sums of dx. The gradient to the residual is dr itself.
  Status (*bias_dropout_backward)(Context&, Tensor dx, Tensor dbias, Tensor dr, const Dropout&);

  // qkv(B,T,3*H_p*D) holds [Q|K|V] of this rank's heads; out(B,T,H_p*D) = dropout(softmax(Q K^T / sqrt(D))) V.
  // lse(B,H_p,T) keeps log sum exp of each row. Dropout element: ((sample*H + head)*T + i)*T + j.
  Status (*attention_forward)(Context&, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv, const Dropout&);
  // dqkv(B,T,3*H_p*D) = ...; probabilities and masks are computed again.
  Status (*attention_backward)(Context&, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                               Tensor lse, const Dropout&);

  // x(B,T,C) = rows of wte(V_p,C) for the tokens(B,T) (i32) of this rank's range, zero for others; partial until
  // reduced.
  Status (*embedding_forward)(Context&, Tensor x, Tensor tokens, Tensor wte, VocabRange);
  // In place after the reduction: x = dropout(x + wpe(T_max,C)[t]).
  Status (*position_forward)(Context&, Tensor x, Tensor wpe, const Dropout&);
  // In place: dx = dx * mask / (1-p); dwpe += sum over B.
  Status (*position_backward)(Context&, Tensor dx, Tensor dwpe, const Dropout&);
  // dwte(V_p,C) += dx at the tokens of this rank's range.
  Status (*embedding_backward)(Context&, Tensor dwte, Tensor dx, Tensor tokens, VocabRange);

  // Vocabulary-parallel cross entropy in the paper's three reductions of N values each. logits(N,V_p); targets(N) i32
  // global ids, -1: not counted.
  // maximum(N) = max over this rank's true ids.                                     -> all_reduce max
  Status (*cross_entropy_max)(Context&, Tensor maximum, Tensor logits, VocabRange);
  // target(N) = logit of the target minus maximum if owned, else 0                  -> all_reduce sum
  // sum_exp(N) = sum of exp(logit - maximum) over this rank's true ids              -> all_reduce sum
  Status (*cross_entropy_sum)(Context&, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum, Tensor targets,
                              VocabRange);
  // loss(N) = log(sum_exp) - target, 0 where not counted. Does not need logits.
  Status (*cross_entropy_loss)(Context&, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets);
  // In place: logits = (softmax - onehot) * control.gradient_scale(), 0 in padding and in rows not counted.
  Status (*cross_entropy_backward)(Context&, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets, VocabRange,
                                   Tensor control);

  // x = value; y += x; y = the larger of y and x, not a number if either is; x *= value. All tensors of a call have the
  // table's dtype or all its wide_dtype().
  Status (*fill)(Context&, Tensor x, double value);
  Status (*add)(Context&, Tensor y, Tensor x);
  Status (*maximum)(Context&, Tensor y, Tensor x);
  Status (*scale)(Context&, Tensor x, double value);
  // out(1) f64 += sum of x, of wide_dtype() or f64, accumulated in f64 in a fixed order. x may not be out.
  Status (*sum)(Context&, Tensor out, Tensor x);
  // out(1) f64 += sum of squares of x, of wide_dtype(), accumulated in f64 in a fixed order (same bits for any pool
  // size).
  Status (*sum_squares)(Context&, Tensor out, Tensor x);
  // out(1) f64 += how many elements of x are infinite or not a number; x has the table's dtype or its wide_dtype().
  Status (*count_non_finite)(Context&, Tensor out, Tensor x);
  // to = from, each of the table's dtype or its wide_dtype(); narrowing rounds to nearest, ties to even. Nothing to do
  // where they are one tensor.
  Status (*cast)(Context&, Tensor to, Tensor from);

  // control((kStepControlFields) f64) is a StepControl. Begins a step: names its draws, sets its share, clears its
  // sums.
  Status (*begin_step)(Context&, Tensor control, int64_t draw_step, double share);
  // decide_step() of core/step_control.h.
  Status (*decide_step)(Context&, Tensor control, const StepRules&);
  // Update number control.updates with decoupled weight decay (Loshchilov and Hutter): grad times gradient_factor goes
  // into master, m, v in place, all of wide_dtype(); then value = cast(master), unless they are one tensor. Nothing
  // changes when the verdict is not kApplied. Elements are independent, so tensors that decay alike may be one flat
  // one.
  Status (*adamw)(Context&, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, const AdamW&, Tensor control);
};

}  // namespace millrace

#endif  // MILLRACE_CORE_OPS_H_
