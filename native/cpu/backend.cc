#include "core/backend.h"

#include "cpu/cpu_ops.h"
#include "cpu/gemm.h"
#include "cpu/half_ops.h"

namespace millrace {

namespace {

OpTable make_table() {
  OpTable table;
  table.name = "cpu";
  table.dtype = DType::kF32;
  table.linear_forward = cpu::linear_forward;
  table.linear_gelu_forward = cpu::linear_gelu_forward;
  table.gelu_forward = cpu::gelu_forward;
  table.linear_backward_input = cpu::linear_backward_input;
  table.linear_gelu_backward_input = cpu::linear_gelu_backward_input;
  table.linear_backward_weight = cpu::linear_backward_weight;
  table.layernorm_forward = cpu::layernorm_forward;
  table.layernorm_backward = cpu::layernorm_backward;
  table.residual_layernorm_forward = cpu::residual_layernorm_forward;
  table.bias_dropout_backward = cpu::bias_dropout_backward;
  table.attention_forward = cpu::attention_forward;
  table.attention_backward = cpu::attention_backward;
  table.embedding_forward = cpu::embedding_forward;
  table.embedding_backward = cpu::embedding_backward;
  table.position_forward = cpu::position_forward;
  table.position_backward = cpu::position_backward;
  table.cross_entropy_max = cpu::cross_entropy_max;
  table.cross_entropy_sum = cpu::cross_entropy_sum;
  table.cross_entropy_loss = cpu::cross_entropy_loss;
  table.cross_entropy_backward = cpu::cross_entropy_backward;
  table.fill = cpu::fill;
  table.add = cpu::add;
  table.maximum = cpu::maximum;
  table.scale = cpu::scale;
  table.sum = cpu::sum;
  table.sum_squares = cpu::sum_squares;
  table.count_non_finite = cpu::count_non_finite;
  table.cast = cpu::cast;
  table.begin_step = cpu::begin_step;
  table.decide_step = cpu::decide_step;
  table.adamw = cpu::adamw;
  return table;
}

template <DType kType>
OpTable make_half_table() {
  using Ops = cpu::HalfOps<kType>;
  OpTable table = make_table();  // what stays reads and writes tensors of wide_dtype(), or knows both
  table.dtype = kType;
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
  table.cross_entropy_backward = Ops::cross_entropy_backward;
  table.fill = Ops::fill;
  table.add = Ops::add;
  table.maximum = Ops::maximum;
  table.scale = Ops::scale;
  return table;
}

}  // namespace

const OpTable* cpu_backend(DType dtype) {
  if (!cpu::prepare_gemm()) return nullptr;
  static const OpTable f32 = make_table();
  static const OpTable bf16 = make_half_table<DType::kBF16>();
  static const OpTable f16 = make_half_table<DType::kF16>();
  switch (dtype) {
    case DType::kF32:
      return &f32;
    case DType::kBF16:
      return &bf16;
    case DType::kF16:
      return &f16;
    case DType::kF64:
    case DType::kI32:
    case DType::kI64:
      break;
  }
  return nullptr;
}

}  // namespace millrace
