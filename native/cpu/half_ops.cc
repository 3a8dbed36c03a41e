// Every op but the products: f32 stand-ins of its 16-bit tensors, f32's own op on them, outputs rounded. Stand-ins live
// in the op's scratch, so the planner counts them; rows of logits, of which there are many, go through in blocks.
#include "cpu/half_ops.h"

#include "cpu/cpu_ops.h"
#include "cpu/half.h"

namespace millrace::cpu {

namespace {

// body(rows) for blocks of rows whose stand-ins stay in a common last-level cache; rows(y) is the block of a tensor
// with as many rows as x, or of a vector with one element a row.
template <class Body>
Status for_row_blocks(const Tensor& x, const Body& body) {
  constexpr int64_t kElements = int64_t{1} << 20;
  const int64_t num_rows = x.dim(0);
  const int64_t block = std::max<int64_t>(1, kElements / std::max<int64_t>(1, x.dim(1)));
  for (int64_t begin = 0; begin < num_rows; begin += block) {
    MR_RETURN_IF_ERROR(body([&](const Tensor& y) {
      // A vector may come as one row of a matrix.
      const Tensor by_row = y.dim(0) == num_rows ? y : y.reshaped(Shape(num_rows));
      return by_row.rows(begin, std::min(block, num_rows - begin));
    }));
  }
  return ok();
}

}  // namespace

template <DType kType>
Status HalfOps<kType>::layernorm_forward(Context& context, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma,
                                         Tensor beta, double epsilon) {
  MR_RETURN_IF_ERROR(check_layernorm_forward(kType, y, mean, rstd, x, gamma, beta));
  Widened wide(context);
  const Tensor y_32 = wide.out(y), x_32 = wide.in(x), gamma_32 = wide.in(gamma), beta_32 = wide.in(beta);
  return wide.run([&] { return cpu::layernorm_forward(context, y_32, mean, rstd, x_32, gamma_32, beta_32, epsilon); });
}

template <DType kType>
Status HalfOps<kType>::layernorm_backward(Context& context, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x,
                                          Tensor mean, Tensor rstd, Tensor gamma) {
  MR_RETURN_IF_ERROR(check_layernorm_backward(kType, dx, dgamma, dbeta, dy, x, mean, rstd, gamma));
  Widened wide(context);
  const Tensor dx_32 = wide.in_out(dx), dy_32 = wide.in(dy), x_32 = wide.in(x), gamma_32 = wide.in(gamma);
  return wide.run(
      [&] { return cpu::layernorm_backward(context, dx_32, dgamma, dbeta, dy_32, x_32, mean, rstd, gamma_32); });
}

// Two steps, so that the norm is of r as stored.
template <DType kType>
Status HalfOps<kType>::residual_layernorm_forward(Context& context, Tensor r, Tensor y, Tensor mean, Tensor rstd,
                                                  Tensor residual, Tensor x, Tensor bias, Tensor gamma, Tensor beta,
                                                  double epsilon, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_residual_layernorm_forward(kType, r, y, mean, rstd, residual, x, bias, gamma, beta));
  Widened wide(context);
  const Tensor r_32 = wide.out(r), residual_32 = wide.in(residual), x_32 = wide.in(x), bias_32 = wide.in(bias);
  const Tensor none;
  MR_RETURN_IF_ERROR(wide.run([&] {
    return cpu::residual_layernorm_forward(context, r_32, none, none, none, residual_32, x_32, bias_32, none, none,
                                           epsilon, dropout);
  }));
  return y.shape.rank == 0 ? ok() : layernorm_forward(context, y, mean, rstd, r, gamma, beta, epsilon);
}

template <DType kType>
Status HalfOps<kType>::bias_dropout_backward(Context& context, Tensor dx, Tensor dbias, Tensor dr,
                                             const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_bias_dropout_backward(kType, dx, dbias, dr));
  Widened wide(context);
  const Tensor dx_32 = wide.out(dx), dr_32 = wide.in(dr);
  return wide.run([&] { return cpu::bias_dropout_backward(context, dx_32, dbias, dr_32, dropout); });
}

template <DType kType>
Status HalfOps<kType>::attention_forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv,
                                         const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_forward(kType, s, out, lse, qkv));
  Widened wide(context);
  const Tensor out_32 = wide.out(out), qkv_32 = wide.in(qkv);
  return wide.run([&] { return cpu::attention_forward(context, s, out_32, lse, qkv_32, dropout); });
}

template <DType kType>
Status HalfOps<kType>::attention_backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout,
                                          Tensor qkv, Tensor out, Tensor lse, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_backward(kType, s, dqkv, dout, qkv, out, lse));
  Widened wide(context);
  const Tensor dqkv_32 = wide.out(dqkv), dout_32 = wide.in(dout), qkv_32 = wide.in(qkv), out_32 = wide.in(out);
  return wide.run([&] { return cpu::attention_backward(context, s, dqkv_32, dout_32, qkv_32, out_32, lse, dropout); });
}

// Rows are copied as they are: a table of all words has no stand-in.
template <DType kType>
Status HalfOps<kType>::embedding_forward(Context& context, Tensor x, Tensor tokens, Tensor wte, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_forward(kType, x, tokens, wte));
  if (planning(context)) return ok();
  const int64_t num_columns = wte.dim(1);
  for_rows(context, rows_of(x), num_columns, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const int64_t row = tokens.as<int32_t>()[n] - range.begin;
      uint16_t* to = x.as<uint16_t>() + n * num_columns;
      if (row >= 0 && row < wte.dim(0)) {
        std::copy_n(wte.as<uint16_t>() + row * num_columns, num_columns, to);
      } else {
        std::fill_n(to, num_columns, uint16_t{0});
      }
    }
  });
  return ok();
}

template <DType kType>
Status HalfOps<kType>::embedding_backward(Context& context, Tensor dwte, Tensor dx, Tensor tokens, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_backward(kType, dwte, dx, tokens));
  Widened wide(context);
  const Tensor dx_32 = wide.in(dx);
  return wide.run([&] { return cpu::embedding_backward(context, dwte, dx_32, tokens, range); });
}

template <DType kType>
Status HalfOps<kType>::position_forward(Context& context, Tensor x, Tensor wpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_forward(kType, x, wpe));
  Widened wide(context);
  const Tensor x_32 = wide.in_out(x), wpe_32 = wide.in(wpe);
  return wide.run([&] { return cpu::position_forward(context, x_32, wpe_32, dropout); });
}

template <DType kType>
Status HalfOps<kType>::position_backward(Context& context, Tensor dx, Tensor dwpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_backward(kType, dx, dwpe));
  Widened wide(context);
  const Tensor dx_32 = wide.in_out(dx);
  return wide.run([&] { return cpu::position_backward(context, dx_32, dwpe, dropout); });
}

template <DType kType>
Status HalfOps<kType>::cross_entropy_max(Context& context, Tensor maximum, Tensor logits, VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_max(kType, maximum, logits));
  return for_row_blocks(logits, [&](const auto& rows) {
    Widened wide(context);
    const Tensor logits_32 = wide.in(rows(logits));
    return wide.run([&] { return cpu::cross_entropy_max(context, rows(maximum), logits_32, range); });
  });
}

template <DType kType>
Status HalfOps<kType>::cross_entropy_sum(Context& context, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum,
                                         Tensor targets, VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_sum(kType, target, sum_exp, logits, maximum, targets));
  return for_row_blocks(logits, [&](const auto& rows) {
    Widened wide(context);
    const Tensor logits_32 = wide.in(rows(logits));
    return wide.run([&] {
      return cpu::cross_entropy_sum(context, rows(target), rows(sum_exp), logits_32, rows(maximum), rows(targets),
                                    range);
    });
  });
}

template <DType kType>
Status HalfOps<kType>::cross_entropy_backward(Context& context, Tensor logits, Tensor maximum, Tensor sum_exp,
                                              Tensor targets, VocabRange range, Tensor control) {
  MR_RETURN_IF_ERROR(check_cross_entropy_backward(kType, logits, maximum, sum_exp, targets, control));
  return for_row_blocks(logits, [&](const auto& rows) {
    Widened wide(context);
    const Tensor logits_32 = wide.in_out(rows(logits));
    return wide.run([&] {
      return cpu::cross_entropy_backward(context, logits_32, rows(maximum), rows(sum_exp), rows(targets), range,
                                         control);
    });
  });
}

template <DType kType>
Status HalfOps<kType>::fill(Context& context, Tensor x, double value) {
  if (x.dtype == DType::kF32) return cpu::fill(context, x, value);
  MR_RETURN_IF_ERROR(check_either(kType, x));
  if (planning(context)) return ok();
  const float wide = static_cast<float>(value);
  uint16_t bits = 0;
  narrow_range(Tensor{&bits, kType, Shape(1)}, &wide, 0, 1);
  for_ranges(context, x.num_elements(), kChunkElements,
             [&](int64_t begin, int64_t end) { std::fill(x.as<uint16_t>() + begin, x.as<uint16_t>() + end, bits); });
  return ok();
}

template <DType kType>
Status HalfOps<kType>::add(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(kType, y, x));
  if (y.dtype == DType::kF32) return cpu::add(context, y, x);
  Widened wide(context);
  const Tensor y_32 = wide.in_out(y), x_32 = wide.in(x);
  return wide.run([&] { return cpu::add(context, y_32, x_32); });
}

template <DType kType>
Status HalfOps<kType>::maximum(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(kType, y, x));
  if (y.dtype == DType::kF32) return cpu::maximum(context, y, x);
  Widened wide(context);
  const Tensor y_32 = wide.in_out(y), x_32 = wide.in(x);
  return wide.run([&] { return cpu::maximum(context, y_32, x_32); });
}

template <DType kType>
Status HalfOps<kType>::scale(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_either(kType, x));
  if (x.dtype == DType::kF32) return cpu::scale(context, x, value);
  Widened wide(context);
  const Tensor x_32 = wide.in_out(x);
  return wide.run([&] { return cpu::scale(context, x_32, value); });
}

MR_INSTANTIATE(layernorm_forward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, double);
MR_INSTANTIATE(layernorm_backward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(residual_layernorm_forward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor,
               Tensor, double, const Dropout&);
MR_INSTANTIATE(bias_dropout_backward, Context&, Tensor, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(attention_forward, Context&, const AttentionShape&, Tensor, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(attention_backward, Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor, Tensor,
               const Dropout&);
MR_INSTANTIATE(embedding_forward, Context&, Tensor, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(embedding_backward, Context&, Tensor, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(position_forward, Context&, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(position_backward, Context&, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(cross_entropy_max, Context&, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(cross_entropy_sum, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(cross_entropy_backward, Context&, Tensor, Tensor, Tensor, Tensor, VocabRange, Tensor);
MR_INSTANTIATE(fill, Context&, Tensor, double);
MR_INSTANTIATE(add, Context&, Tensor, Tensor);
MR_INSTANTIATE(maximum, Context&, Tensor, Tensor);
MR_INSTANTIATE(scale, Context&, Tensor, double);

}  // namespace millrace::cpu
