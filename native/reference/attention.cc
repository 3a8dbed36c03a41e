#include <algorithm>
#include <cmath>
#include <limits>

#include "reference/reference_ops.h"

namespace millrace::reference {

namespace {

// Q, K and V of one head of one sequence inside qkv(B,T,3*H_p*D), or their gradients inside dqkv.
template <class T>
struct HeadView {
  T* data;
  int64_t row;   // elements from one t to the next
  int64_t part;  // elements from Q to K and from K to V
  HeadView(const Tensor& qkv, const AttentionShape& s, int64_t b, int64_t h)
      : data(qkv.as<T>() + b * s.time * 3 * s.heads * s.head_size + h * s.head_size),
        row(3 * s.heads * s.head_size),
        part(s.heads * s.head_size) {}
  T* q(int64_t t) const { return data + t * row; }
  T* k(int64_t t) const { return data + t * row + part; }
  T* v(int64_t t) const { return data + t * row + 2 * part; }
};

template <class T>
double dot(const T* a, const T* b, int64_t n) {
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

// Element (i, 0) of the attention matrix of this head, as dropout counts.
int64_t dropout_row(const AttentionShape& s, const Dropout& dropout, int64_t b, int64_t h, int64_t i) {
  if (dropout.p == 0.0f) return 0;
  return ((dropout.sample[b] * s.heads_total + s.head_begin + h) * s.time + i) * s.time;
}

int64_t row_end(const AttentionShape& s, int64_t i) { return s.causal ? i + 1 : s.time; }

}  // namespace

template <class T>
Status Ops<T>::attention_forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv,
                                 const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_forward(dtype_of<T>(), s, out, lse, qkv));
  Tensor scores;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF64, Shape(s.time), &scores));
  context.scratch->release(mark);
  if (planning(context)) return ok();
  const double scale = 1.0 / std::sqrt(static_cast<double>(s.head_size));
  double* p = scores.as<double>();
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const HeadView<T> head(qkv, s, b, h);
      for (int64_t i = 0; i < s.time; ++i) {
        double maximum = -std::numeric_limits<double>::infinity();
        for (int64_t j = 0; j < row_end(s, i); ++j) {
          p[j] = dot(head.q(i), head.k(j), s.head_size) * scale;
          maximum = std::max(maximum, p[j]);
        }
        double sum = 0.0;
        for (int64_t j = 0; j < row_end(s, i); ++j) sum += p[j] = std::exp(p[j] - maximum);
        for (int64_t j = 0; j < row_end(s, i); ++j) {
          p[j] *= dropout_factor(dropout, dropout_row(s, dropout, b, h, i) + j) / sum;
        }
        T* out_row = out.as<T>() + ((b * s.time + i) * s.heads + h) * s.head_size;
        for (int64_t d = 0; d < s.head_size; ++d) {
          double value = 0.0;
          for (int64_t j = 0; j < row_end(s, i); ++j) value += p[j] * head.v(j)[d];
          out_row[d] = static_cast<T>(value);
        }
        lse.as<Wide<T>>()[(b * s.heads + h) * s.time + i] = static_cast<Wide<T>>(maximum + std::log(sum));
        tick(context);
      }
    }
  }
  return ok();
}

// With P = softmax(S), A = P * mask, out = A V and dA = dout V^T: dS = P * (dA * mask - rowsum(dout * out)).
template <class T>
Status Ops<T>::attention_backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv,
                                  Tensor out, Tensor lse, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_backward(dtype_of<T>(), s, dqkv, dout, qkv, out, lse));
  const int64_t part = s.time * s.head_size;
  Tensor sums;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF64, Shape(3 * part), &sums));
  context.scratch->release(mark);
  if (planning(context)) return ok();
  const double scale = 1.0 / std::sqrt(static_cast<double>(s.head_size));
  double* dq = sums.as<double>();
  double* dk = dq + part;
  double* dv = dk + part;
  for (int64_t b = 0; b < s.batch; ++b) {
    for (int64_t h = 0; h < s.heads; ++h) {
      const HeadView<T> head(qkv, s, b, h);
      std::fill_n(dq, 3 * part, 0.0);
      for (int64_t i = 0; i < s.time; ++i) {
        const int64_t out_row = ((b * s.time + i) * s.heads + h) * s.head_size;
        const T* dout_row = dout.as<T>() + out_row;
        const double inner = dot(dout_row, out.as<T>() + out_row, s.head_size);
        const double row_lse = lse.as<Wide<T>>()[(b * s.heads + h) * s.time + i];
        for (int64_t j = 0; j < row_end(s, i); ++j) {
          const double probability = std::exp(dot(head.q(i), head.k(j), s.head_size) * scale - row_lse);
          const double factor = dropout_factor(dropout, dropout_row(s, dropout, b, h, i) + j);
          const double dscore = probability * (dot(dout_row, head.v(j), s.head_size) * factor - inner) * scale;
          for (int64_t d = 0; d < s.head_size; ++d) {
            dq[i * s.head_size + d] += dscore * head.k(j)[d];
            dk[j * s.head_size + d] += dscore * head.q(i)[d];
            dv[j * s.head_size + d] += probability * factor * dout_row[d];
          }
        }
        tick(context);
      }
      const HeadView<T> gradient(dqkv, s, b, h);
      for (int64_t e = 0; e < part; ++e) {
        gradient.q(e / s.head_size)[e % s.head_size] = static_cast<T>(dq[e]);
        gradient.k(e / s.head_size)[e % s.head_size] = static_cast<T>(dk[e]);
        gradient.v(e / s.head_size)[e % s.head_size] = static_cast<T>(dv[e]);
      }
    }
  }
  return ok();
}

MR_INSTANTIATE(attention_forward, Context&, const AttentionShape&, Tensor, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(attention_backward, Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor, Tensor,
               const Dropout&);

}  // namespace millrace::reference
