#include "core/backend.h"

#include "cuda/cuda_ops.h"

namespace millrace {

namespace {

template <class T>
OpTable make_table() {
  OpTable table;
  table.name = "cuda";
  table.dtype = cuda::dtype_of<T>();
  // 5,341 rows of 50,257, 512 MiB in 16 bits: every chunk reads and writes the whole gradient of the embedding, in f32.
  table.logits_at_once = int64_t{256} << 20;
  table.linear_forward = cuda::linear_forward<T>;
  table.linear_gelu_forward = cuda::linear_gelu_forward<T>;
  table.gelu_forward = cuda::gelu_forward<T>;
  table.linear_backward_input = cuda::linear_backward_input<T>;
  table.linear_gelu_backward_input = cuda::linear_gelu_backward_input<T>;
  table.linear_backward_weight = cuda::linear_backward_weight<T>;
  table.layernorm_forward = cuda::layernorm_forward<T>;
  table.layernorm_backward = cuda::layernorm_backward<T>;
  table.residual_layernorm_forward = cuda::residual_layernorm_forward<T>;
  table.bias_dropout_backward = cuda::bias_dropout_backward<T>;
  table.attention_forward = cuda::attention_forward<T>;
  table.attention_backward = cuda::attention_backward<T>;
  table.embedding_forward = cuda::embedding_forward<T>;
  table.embedding_backward = cuda::embedding_backward<T>;
  table.position_forward = cuda::position_forward<T>;
  table.position_backward = cuda::position_backward<T>;
  table.cross_entropy_max = cuda::cross_entropy_max<T>;
  table.cross_entropy_sum = cuda::cross_entropy_sum<T>;
  table.cross_entropy_loss = cuda::cross_entropy_loss<T>;
  table.cross_entropy_backward = cuda::cross_entropy_backward<T>;
  table.fill = cuda::fill<T>;
  table.add = cuda::add<T>;
  table.maximum = cuda::maximum<T>;
  table.scale = cuda::scale<T>;
  table.sum = cuda::sum<T>;
  table.sum_squares = cuda::sum_squares<T>;
  table.count_non_finite = cuda::count_non_finite<T>;
  table.cast = cuda::cast<T>;
  table.begin_step = cuda::begin_step;
  table.decide_step = cuda::decide_step;
  table.adamw = cuda::adamw<T>;
  return table;
}

}  // namespace

const OpTable* cuda_backend(DType dtype) {
  static const OpTable f32 = make_table<float>();
  static const OpTable bf16 = make_table<BFloat16>();
  static const OpTable f16 = make_table<Float16>();
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
