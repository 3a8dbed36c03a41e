#include "core/backend.h"

#include "reference/reference_ops.h"

namespace millrace {

namespace {

template <class T>
OpTable make_table() {
  using Ops = reference::Ops<T>;
  OpTable table;
  table.name = "reference";
  table.dtype = reference::dtype_of<T>();
  table.linear_forward = Ops::linear_forward;
  table.linear_gelu_forward = Ops::linear_gelu_forward;
  table.gelu_forward = Ops::gelu_forward;
  table.linear_backward_input = Ops::linear_backward_input;
  table.linear_gelu_backward_input = Ops::linear_gelu_backward_input;
  table.linear_backward_weight = Ops::linear_backward_weight;
  table.layernorm_forward = Ops::layernorm_forward;
  table.layernorm_backward = Ops::layernorm_backward;
  table.residual_layernorm_forward = Ops::residual_layernorm_forward;
  table.bias_dropout_backward = Ops::bias_dropout_backward;
  table.attention_forward = Ops::attention_forward;
  table.attention_backward = Ops::attention_backward;
  table.embedding_forward = Ops::embedding_forward;
  table.embedding_backward = Ops::embedding_backward;
  table.position_forward = Ops::position_forward;
  table.position_backward = Ops::position_backward;
  table.cross_entropy_max = Ops::cross_entropy_max;
  table.cross_entropy_sum = Ops::cross_entropy_sum;
  table.cross_entropy_loss = Ops::cross_entropy_loss;
  table.cross_entropy_backward = Ops::cross_entropy_backward;
  table.fill = Ops::fill;
  table.add = Ops::add;
  table.maximum = Ops::maximum;
  table.scale = Ops::scale;
  table.sum = Ops::sum;
  table.sum_squares = Ops::sum_squares;
  table.count_non_finite = Ops::count_non_finite;
  table.cast = Ops::cast;
  table.begin_step = Ops::begin_step;
  table.decide_step = Ops::decide_step;
  table.adamw = Ops::adamw;
  return table;
}

}  // namespace

const OpTable* reference_backend(DType dtype) {
  static const OpTable f32 = make_table<float>();
  static const OpTable f64 = make_table<double>();
  static const OpTable bf16 = make_table<BFloat16>();
  static const OpTable f16 = make_table<Float16>();
  switch (dtype) {
    case DType::kF32:
      return &f32;
    case DType::kF64:
      return &f64;
    case DType::kBF16:
      return &bf16;
    case DType::kF16:
      return &f16;
    case DType::kI32:
    case DType::kI64:
      break;
  }
  return nullptr;
}

}  // namespace millrace
