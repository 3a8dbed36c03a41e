// Attention by tiles of kTileRows queries: scores and gradients of one tile against all keys it may see are the only
// workspace, once for each thread. Threads claim whole heads of a sequence (forward: their tiles), so a gradient has
// one writer and its sum one order.
#include <algorithm>
#include <cmath>

#include "cpu/cpu_ops.h"
#include "cpu/gemm.h"
#include "cpu/workers.h"

namespace millrace::cpu {

namespace {

constexpr int64_t kTileRows = 64;

// Everything about one tile of one head that does not depend on the direction.
struct Head {
  const AttentionShape& shape;
  const int64_t batch;
  const int64_t head;

  int64_t row() const { return 3 * shape.heads * shape.head_size; }  // elements of qkv from one t to the next
  int64_t part() const { return shape.heads * shape.head_size; }     // from Q to K and from K to V; a row of out
  int64_t qkv_begin() const { return batch * shape.time * row() + head * shape.head_size; }
  int64_t out_begin() const { return batch * shape.time * part() + head * shape.head_size; }
  int64_t lse_begin() const { return (batch * shape.heads + head) * shape.time; }
  // How many keys query i sees, and how many any query before `end` does.
  int64_t keys_of(int64_t i) const { return shape.causal ? i + 1 : shape.time; }
  int64_t keys_before(int64_t end) const { return shape.causal ? end : shape.time; }
  uint64_t mask_begin(const Dropout& dropout, int64_t i) const {
    const int64_t global_head = shape.head_begin + head;
    return static_cast<uint64_t>(((dropout.sample[batch] * shape.heads_total + global_head) * shape.time + i) *
                                 shape.time);
  }
};

int64_t num_tiles(const AttentionShape& s) { return (s.time + kTileRows - 1) / kTileRows; }

// c(rows, columns) = a(rows, k) b^T or b, all strided.
void multiply(bool transpose_a, const float* a, int64_t lda, bool transpose_b, const float* b, int64_t ldb, float beta,
              float* c, int64_t ldc, int64_t rows, int64_t columns, int64_t k) {
  Gemm gemm;
  gemm.transpose_a = transpose_a;
  gemm.transpose_b = transpose_b;
  gemm.m = rows;
  gemm.n = columns;
  gemm.k = k;
  gemm.a = a;
  gemm.lda = lda;
  gemm.b = b;
  gemm.ldb = ldb;
  gemm.beta = beta;
  gemm.c = c;
  gemm.ldc = ldc;
  gemm_serial(gemm);
}

// A tile's rows of out and lse. scores: kTileRows x T; factors: T.
void forward_tile(const Head& head, int64_t tile, const float* qkv, float* out, float* lse, const Dropout& dropout,
                  float* scores, float* factors) {
  const AttentionShape& s = head.shape;
  const int64_t begin = tile * kTileRows;
  const int64_t end = std::min(s.time, begin + kTileRows);
  const int64_t num_keys = head.keys_before(end);
  const float* q = qkv + head.qkv_begin();
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(s.head_size)));
  multiply(false, q + begin * head.row(), head.row(), true, q + head.part(), head.row(), 0.0f, scores, s.time,
           end - begin, num_keys, s.head_size);
  const MaskKey key = mask_key(dropout);
  for (int64_t i = begin; i < end; ++i) {
    float* row = scores + (i - begin) * s.time;
    const int64_t seen = head.keys_of(i);
    const float maximum = kernels().maximum(row, seen) * scale;
    const float sum = kernels().exp_sum(row, seen, scale, maximum);
    lse[head.lse_begin() + i] = maximum + std::log(sum);
    if (dropout.p == 0.0f) {
      kernels().scale(row, 1.0f / sum, seen);
    } else {
      kernels().dropout_factors(factors, seen, key, head.mask_begin(dropout, i));
      kernels().scale(factors, 1.0f / sum, seen);
      kernels().mask(row, row, factors, seen);
    }
    std::fill(row + seen, row + num_keys, 0.0f);
  }
  multiply(false, scores, s.time, false, q + 2 * head.part(), head.row(), 0.0f,
           out + head.out_begin() + begin * head.part(), head.part(), end - begin, s.head_size, num_keys);
}

// Adds a tile's part of dK and dV, or with `first` stores it, and stores its rows of dQ. p, dp: kTileRows x T each.
void backward_tile(const Head& head, int64_t tile, bool first, float* dqkv, const float* dout, const float* qkv,
                   const float* out, const float* lse, const Dropout& dropout, float* p, float* dp, float* factors) {
  const AttentionShape& s = head.shape;
  const int64_t begin = tile * kTileRows;
  const int64_t end = std::min(s.time, begin + kTileRows);
  const int64_t rows = end - begin;
  const int64_t num_keys = head.keys_before(end);
  const float* q = qkv + head.qkv_begin();
  float* dq = dqkv + head.qkv_begin();
  const float* dout_tile = dout + head.out_begin() + begin * head.part();
  const float* out_tile = out + head.out_begin() + begin * head.part();
  const float scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(s.head_size)));
  multiply(false, q + begin * head.row(), head.row(), true, q + head.part(), head.row(), 0.0f, p, s.time, rows,
           num_keys, s.head_size);
  multiply(false, dout_tile, head.part(), true, q + 2 * head.part(), head.row(), 0.0f, dp, s.time, rows, num_keys,
           s.head_size);
  const MaskKey key = mask_key(dropout);
  for (int64_t i = begin; i < end; ++i) {
    float* p_row = p + (i - begin) * s.time;
    float* dp_row = dp + (i - begin) * s.time;
    const int64_t seen = head.keys_of(i);
    const bool masked = dropout.p != 0.0f;
    if (masked) kernels().dropout_factors(factors, seen, key, head.mask_begin(dropout, i));
    const int64_t offset = (i - begin) * head.part();
    const float inner = kernels().dot(dout_tile + offset, out_tile + offset, s.head_size);
    kernels().attention_backward(p_row, dp_row, masked ? factors : nullptr, seen, scale, lse[head.lse_begin() + i],
                                 inner);
    std::fill(p_row + seen, p_row + num_keys, 0.0f);
    std::fill(dp_row + seen, dp_row + num_keys, 0.0f);
  }
  const float beta = first ? 0.0f : 1.0f;
  multiply(false, dp, s.time, false, q + head.part(), head.row(), 0.0f, dq + begin * head.row(), head.row(), rows,
           s.head_size, num_keys);
  multiply(true, dp, s.time, false, q + begin * head.row(), head.row(), beta, dq + head.part(), head.row(), num_keys,
           s.head_size, rows);
  multiply(true, p, s.time, false, dout_tile, head.part(), beta, dq + 2 * head.part(), head.row(), num_keys,
           s.head_size, rows);
}

}  // namespace

Status attention_forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv,
                         const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_forward(DType::kF32, s, out, lse, qkv));
  const int64_t tiles = num_tiles(s);
  return for_items(context, s.batch * s.heads * tiles, (kTileRows + 1) * s.time, [&](float* workspace, int64_t item) {
    const Head head{s, item / tiles / s.heads, item / tiles % s.heads};
    // The last tiles see the most keys: they go first, so that threads end together.
    forward_tile(head, tiles - 1 - item % tiles, qkv.as<float>(), out.as<float>(), lse.as<float>(), dropout, workspace,
                 workspace + kTileRows * s.time);
  });
}

Status attention_backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                          Tensor lse, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_attention_backward(DType::kF32, s, dqkv, dout, qkv, out, lse));
  const int64_t width = kTileRows * s.time;
  return for_items(context, s.batch * s.heads, 2 * width + s.time, [&](float* workspace, int64_t item) {
    const Head head{s, item / s.heads, item % s.heads};
    // The last tile sees all keys, so it stores what the others add to.
    for (int64_t tile = num_tiles(s) - 1; tile >= 0; --tile) {
      backward_tile(head, tile, tile == num_tiles(s) - 1, dqkv.as<float>(), dout.as<float>(), qkv.as<float>(),
                    out.as<float>(), lse.as<float>(), dropout, workspace, workspace + width, workspace + 2 * width);
    }
  });
}

}  // namespace millrace::cpu
