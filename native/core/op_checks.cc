#include "core/op_checks.h"

namespace millrace {

namespace {

int64_t last_dim(const Tensor& x) { return x.shape.rank == 0 ? 1 : x.dim(x.shape.rank - 1); }
int64_t rows_of(const Tensor& x) { return last_dim(x) == 0 ? 0 : x.num_elements() / last_dim(x); }
bool given(const Tensor& x) { return x.shape.rank != 0; }

bool is_matrix(const Tensor& x, DType dtype, int64_t rows, int64_t columns) {
  return x.dtype == dtype && x.shape.rank >= 1 && last_dim(x) == columns && rows_of(x) == rows;
}
bool is_vector(const Tensor& x, DType dtype, int64_t length) {
  return x.dtype == dtype && given(x) && x.num_elements() == length;
}
bool is_vector_if_given(const Tensor& x, DType dtype, int64_t length) {
  return !given(x) || is_vector(x, dtype, length);
}

Status check_attention(DType dtype, const AttentionShape& s, const Tensor& qkv, const Tensor& out, const Tensor& lse) {
  MR_CHECK(s.batch >= 0 && s.time >= 0 && s.heads > 0 && s.head_size > 0);
  MR_CHECK(s.head_begin >= 0 && s.head_begin + s.heads <= s.heads_total);
  MR_CHECK(is_matrix(qkv, dtype, s.batch * s.time, 3 * s.heads * s.head_size));
  MR_CHECK(is_matrix(out, dtype, s.batch * s.time, s.heads * s.head_size));
  MR_CHECK(is_vector(lse, wide_dtype(dtype), s.batch * s.heads * s.time));
  return ok();
}

// A table of one row an id, or its gradient.
Status check_embedding(DType dtype, const Tensor& x, const Tensor& tokens, const Tensor& table) {
  MR_CHECK(table.shape.rank == 2);
  MR_CHECK(is_vector(tokens, DType::kI32, rows_of(x)));
  MR_CHECK(is_matrix(x, dtype, rows_of(x), table.dim(1)));
  return ok();
}

// A table of one row a position, or its gradient.
Status check_position(DType dtype, const Tensor& x, const Tensor& table) {
  MR_CHECK(x.shape.rank == 3 && table.shape.rank == 2);
  MR_CHECK(x.dtype == dtype);
  MR_CHECK(x.dim(1) <= table.dim(0) && x.dim(2) == table.dim(1));
  return ok();
}

}  // namespace

Status check_linear_forward(DType dtype, Tensor y, Tensor x, Tensor w, Tensor bias) {
  MR_CHECK(w.shape.rank == 2);
  MR_CHECK(is_matrix(w, dtype, w.dim(0), w.dim(1)));
  MR_CHECK(is_matrix(x, dtype, rows_of(x), w.dim(1)));
  MR_CHECK(is_matrix(y, dtype, rows_of(x), w.dim(0)));
  MR_CHECK(is_vector_if_given(bias, dtype, w.dim(0)));
  return ok();
}

Status check_linear_backward_input(DType dtype, Tensor dx, Tensor dy, Tensor w) {
  return check_linear_forward(dtype, dy, dx, w, Tensor{});
}

Status check_linear_backward_weight(DType dtype, Tensor dw, Tensor dbias, Tensor dy, Tensor x) {
  MR_CHECK(dw.shape.rank == 2 && dw.dtype == wide_dtype(dtype));
  MR_CHECK(is_matrix(x, dtype, rows_of(x), dw.dim(1)));
  MR_CHECK(is_matrix(dy, dtype, rows_of(x), dw.dim(0)));
  MR_CHECK(is_vector_if_given(dbias, wide_dtype(dtype), dw.dim(0)));
  return ok();
}

Status check_layernorm_forward(DType dtype, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta) {
  MR_CHECK(is_matrix(x, dtype, rows_of(x), last_dim(x)));
  MR_CHECK(is_matrix(y, dtype, rows_of(x), last_dim(x)));
  MR_CHECK(is_vector(mean, wide_dtype(dtype), rows_of(x)));
  MR_CHECK(is_vector(rstd, wide_dtype(dtype), rows_of(x)));
  MR_CHECK(is_vector(gamma, dtype, last_dim(x)));
  MR_CHECK(is_vector(beta, dtype, last_dim(x)));
  return ok();
}

Status check_layernorm_backward(DType dtype, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                                Tensor rstd, Tensor gamma) {
  MR_RETURN_IF_ERROR(check_layernorm_forward(dtype, dy, mean, rstd, x, gamma, gamma));
  MR_CHECK(is_matrix(dx, dtype, rows_of(x), last_dim(x)));
  MR_CHECK(is_vector(dgamma, wide_dtype(dtype), last_dim(x)));
  MR_CHECK(is_vector(dbeta, wide_dtype(dtype), last_dim(x)));
  return ok();
}

Status check_residual_layernorm_forward(DType dtype, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual,
                                        Tensor x, Tensor bias, Tensor gamma, Tensor beta) {
  MR_CHECK(r.shape.rank == 3);  // dropout needs to know where a sample ends
  MR_CHECK(is_matrix(r, dtype, rows_of(r), last_dim(r)));
  MR_CHECK(is_matrix(residual, dtype, rows_of(r), last_dim(r)));
  MR_CHECK(is_matrix(x, dtype, rows_of(r), last_dim(r)));
  MR_CHECK(is_vector_if_given(bias, dtype, last_dim(r)));
  return given(y) ? check_layernorm_forward(dtype, y, mean, rstd, r, gamma, beta) : ok();
}

Status check_bias_dropout_backward(DType dtype, Tensor dx, Tensor dbias, Tensor dr) {
  MR_CHECK(dr.shape.rank == 3);
  MR_CHECK(is_matrix(dr, dtype, rows_of(dr), last_dim(dr)));
  MR_CHECK(is_matrix(dx, dtype, rows_of(dr), last_dim(dr)));
  MR_CHECK(is_vector_if_given(dbias, wide_dtype(dtype), last_dim(dr)));
  return ok();
}

Status check_attention_forward(DType dtype, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv) {
  return check_attention(dtype, s, qkv, out, lse);
}

Status check_attention_backward(DType dtype, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                                Tensor lse) {
  MR_RETURN_IF_ERROR(check_attention(dtype, s, qkv, out, lse));
  return check_attention(dtype, s, dqkv, dout, lse);
}

Status check_embedding_forward(DType dtype, Tensor x, Tensor tokens, Tensor wte) {
  MR_CHECK(wte.dtype == dtype);
  return check_embedding(dtype, x, tokens, wte);
}

Status check_embedding_backward(DType dtype, Tensor dwte, Tensor dx, Tensor tokens) {
  MR_CHECK(dwte.dtype == wide_dtype(dtype));
  return check_embedding(dtype, dx, tokens, dwte);
}

Status check_position_forward(DType dtype, Tensor x, Tensor wpe) {
  MR_CHECK(wpe.dtype == dtype);
  return check_position(dtype, x, wpe);
}

Status check_position_backward(DType dtype, Tensor dx, Tensor dwpe) {
  MR_CHECK(dwpe.dtype == wide_dtype(dtype));
  return check_position(dtype, dx, dwpe);
}

Status check_cross_entropy_max(DType dtype, Tensor maximum, Tensor logits) {
  MR_CHECK(logits.shape.rank == 2 && logits.dtype == dtype);
  MR_CHECK(is_vector(maximum, wide_dtype(dtype), logits.dim(0)));
  return ok();
}

Status check_cross_entropy_sum(DType dtype, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum,
                               Tensor targets) {
  MR_RETURN_IF_ERROR(check_cross_entropy_max(dtype, maximum, logits));
  return check_cross_entropy_loss(dtype, maximum, target, sum_exp, targets);
}

Status check_cross_entropy_loss(DType dtype, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets) {
  MR_CHECK(is_vector(loss, wide_dtype(dtype), loss.num_elements()));
  MR_CHECK(is_vector(target, wide_dtype(dtype), loss.num_elements()));
  MR_CHECK(is_vector(sum_exp, wide_dtype(dtype), loss.num_elements()));
  MR_CHECK(is_vector(targets, DType::kI32, loss.num_elements()));
  return ok();
}

Status check_cross_entropy_backward(DType dtype, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets,
                                    Tensor control) {
  MR_RETURN_IF_ERROR(check_control(control));
  MR_RETURN_IF_ERROR(check_cross_entropy_max(dtype, maximum, logits));
  return check_cross_entropy_loss(dtype, maximum, maximum, sum_exp, targets);
}

Status check_same(DType dtype, Tensor a, Tensor b) {
  MR_CHECK(a.dtype == dtype && b.dtype == dtype);
  MR_CHECK(a.num_elements() == b.num_elements());
  return ok();
}

Status check_either(DType dtype, Tensor x) {
  MR_CHECK(x.dtype == dtype || x.dtype == wide_dtype(dtype));
  return ok();
}

Status check_either(DType dtype, Tensor a, Tensor b) {
  MR_RETURN_IF_ERROR(check_either(dtype, a));
  return check_same(a.dtype, a, b);
}

Status check_sum(DType dtype, Tensor out, Tensor x) {
  MR_CHECK(is_vector(out, DType::kF64, 1));
  MR_CHECK(x.dtype == wide_dtype(dtype) || x.dtype == DType::kF64);
  return ok();
}

Status check_sum_squares(DType dtype, Tensor out, Tensor x) {
  MR_CHECK(is_vector(out, DType::kF64, 1));
  MR_CHECK(x.dtype == wide_dtype(dtype));
  return ok();
}

Status check_count_non_finite(DType dtype, Tensor out, Tensor x) {
  MR_CHECK(is_vector(out, DType::kF64, 1));
  return check_either(dtype, x);
}

Status check_cast(DType dtype, Tensor to, Tensor from) {
  MR_RETURN_IF_ERROR(check_either(dtype, to));
  MR_RETURN_IF_ERROR(check_either(dtype, from));
  MR_CHECK(to.num_elements() == from.num_elements());
  return ok();
}

Status check_adamw(DType dtype, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, Tensor control) {
  MR_RETURN_IF_ERROR(check_control(control));
  MR_CHECK(value.dtype == dtype && value.num_elements() == master.num_elements());
  MR_RETURN_IF_ERROR(check_same(wide_dtype(dtype), master, m));
  MR_RETURN_IF_ERROR(check_same(wide_dtype(dtype), master, v));
  return check_same(wide_dtype(dtype), master, grad);
}

Status check_control(Tensor control) {
  MR_CHECK(is_vector(control, DType::kF64, kStepControlFields));
  return ok();
}

}  // namespace millrace
