// The ops of core/ops.h as plain loops for float, double and the 16-bit formats: the oracle of every other backend.
// Nothing here is clever: one thread, the order of the formula, sums and statistics in double unless a sum runs through
// a tensor of wide_dtype().
#ifndef MILLRACE_REFERENCE_REFERENCE_OPS_H_
#define MILLRACE_REFERENCE_REFERENCE_OPS_H_

#include <type_traits>

#include "core/half.h"
#include "core/op_checks.h"

namespace millrace::reference {

template <class T>
constexpr DType dtype_of() {
  if (std::is_same_v<T, BFloat16>) return DType::kBF16;
  if (std::is_same_v<T, Float16>) return DType::kF16;
  return std::is_same_v<T, double> ? DType::kF64 : DType::kF32;
}

// What a value of wide_dtype() is in memory.
template <class T>
using Wide = std::conditional_t<sizeof(T) == 2, float, T>;

// A sign of life for each row of a long loop.
inline void tick(Context& context) {
  if (context.heartbeat != nullptr) context.heartbeat->tick();
}

// body(i) for every element in order, a sign of life each million: a table of 50,000 words takes seconds.
template <class Body>
void for_elements(Context& context, int64_t count, const Body& body) {
  constexpr int64_t kChunk = int64_t{1} << 20;
  for (int64_t begin = 0; begin < count; begin += kChunk) {
    const int64_t end = count - begin < kChunk ? count : begin + kChunk;
    for (int64_t i = begin; i < end; ++i) body(i);
    tick(context);
  }
}

inline int64_t columns_of(const Tensor& x) { return x.dim(x.shape.rank - 1); }
inline int64_t rows_of(const Tensor& x) {
  const int64_t columns = columns_of(x);
  return columns == 0 ? 0 : x.num_elements() / columns;
}

double gelu(Gelu kind, double x);
double gelu_derivative(Gelu kind, double x);

// The factor of one element: 0 where dropped, 1/(1-p) where kept, 1 without dropout.
double dropout_factor(const Dropout& dropout, int64_t element);

// One function a table entry; every type is instantiated in the file of the op.
template <class T>
struct Ops {
  static Status linear_forward(Context&, Tensor y, Tensor x, Tensor w, Tensor bias);
  static Status gelu_forward(Context&, Gelu, Tensor y, Tensor pre);
  static Status linear_gelu_forward(Context&, Gelu, Tensor y, Tensor pre, Tensor x, Tensor w, Tensor bias);
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
  static Status cross_entropy_loss(Context&, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets);
  static Status cross_entropy_backward(Context&, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets,
                                       VocabRange, Tensor control);
  static Status fill(Context&, Tensor x, double value);
  static Status add(Context&, Tensor y, Tensor x);
  static Status maximum(Context&, Tensor y, Tensor x);
  static Status scale(Context&, Tensor x, double value);
  static Status sum(Context&, Tensor out, Tensor x);
  static Status sum_squares(Context&, Tensor out, Tensor x);
  static Status count_non_finite(Context&, Tensor out, Tensor x);
  static Status cast(Context&, Tensor to, Tensor from);
  static Status begin_step(Context&, Tensor control, int64_t draw_step, double share);
  static Status decide_step(Context&, Tensor control, const StepRules&);
  static Status adamw(Context&, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, const AdamW&,
                      Tensor control);
};

#define MR_INSTANTIATE(op, ...)                   \
  template Status Ops<float>::op(__VA_ARGS__);    \
  template Status Ops<double>::op(__VA_ARGS__);   \
  template Status Ops<BFloat16>::op(__VA_ARGS__); \
  template Status Ops<Float16>::op(__VA_ARGS__)

}  // namespace millrace::reference

#endif  // MILLRACE_REFERENCE_REFERENCE_OPS_H_
