#include "core/backend.h"

#include "cpu/cpu_ops.h"
#include "cpu/gemm.h"

namespace millrace {

namespace {

OpTable make_table() {
  OpTable table;
  table.name = "cpu";
  table.dtype = DType::kF32;
  table.linear_forward = cpu::linear_forward;
  table.linear_gelu_forward = cpu::linear_gelu_forward;
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
  table.scale = cpu::scale;
  table.sum_squares = cpu::sum_squares;
  table.adamw = cpu::adamw;
  return table;
}

}  // namespace

const OpTable* cpu_backend(DType dtype) {
  if (dtype != DType::kF32 || !cpu::prepare_gemm()) return nullptr;
  static const OpTable table = make_table();
  return &table;
}

}  // namespace millrace
