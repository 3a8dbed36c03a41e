#include "cuda/attention_plain.cuh"

namespace millrace::cuda {

namespace {

using namespace plain;

// delta(B,H_p,T) = row sums of dout * out; a warp has a row.
template <class T>
__global__ void __launch_bounds__(kThreads, 2)
    attention_plain_delta_kernel(float* delta, const T* dout, const T* out, AttentionShape shape) {
  const int64_t rows = shape.batch * shape.heads * shape.time;
  const int64_t row = int64_t{blockIdx.x} * kWarps + threadIdx.x / kWarp;
  if (row >= rows) return;
  const AttentionHead head = attention_head(shape, static_cast<uint32_t>(row / shape.time));
  const int64_t at = head.out_begin() + row % shape.time * head.part();
  float sum = 0.0f;
  for (int64_t c = threadIdx.x % kWarp; c < shape.head_size; c += kWarp) {
    sum = fmaf(to_float(dout[at + c]), to_float(out[at + c]), sum);
  }
  sum = warp_sum(sum);
  if (threadIdx.x % kWarp == 0) delta[row] = sum;
}

// With rows of queries dQ, with rows of keys dK and dV: with P = softmax(S), A = P * mask, dA = dout V^T:
// dV = A^T dout, dS = P * (dA * mask - delta), dQ = dS K / sqrt(D), dK = dS^T Q / sqrt(D).
template <class T, int kRows, bool kOfKeys>
__global__ void __launch_bounds__(kThreads, 2)
    attention_plain_backward_kernel(T* dqkv, const T* dout, const T* qkv, const float* lse, const float* delta,
                                    AttentionShape shape, Dropout dropout, AttentionFactors factors) {
  constexpr int kBlockRows = kWarps * kRows;
  const int time = static_cast<int>(shape.time);
  const int columns = static_cast<int>(shape.head_size);
  const int warp_row = static_cast<int>(threadIdx.x) / kWarp * kRows;
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  MR_DYNAMIC_SHARED(float, score_tile);
  float* const gradient_tile = score_tile + kTileFloats;
  float* const scores_of_warp = gradient_tile + kTileFloats + warp_row * kTile;
  float* const weights_of_warp = scores_of_warp + kBlockRows * kTile;
  float* const score_rows = gradient_tile + kTileFloats + 2 * kBlockRows * kTile;  // Q or K
  float* const gradient_rows = score_rows + kBlockRows * columns;                  // dout or V
  float* const score_sums = gradient_rows + kBlockRows * columns;                  // dQ or dK
  float* const value_sums = score_sums + kBlockRows * columns;                     // of keys: dV

  const int blocks = (time + kBlockRows - 1) / kBlockRows;
  const AttentionHead head = attention_head(shape, blockIdx.x / static_cast<unsigned>(blocks));
  const int begin = static_cast<int>(blockIdx.x % static_cast<unsigned>(blocks)) * kBlockRows;
  const T* const q = qkv + head.qkv_begin();
  const T* const k = q + head.part();
  const T* const v = k + head.part();
  const T* const dout_head = dout + head.out_begin();
  const T* const score_others = kOfKeys ? q : k;
  const T* const gradient_others = kOfKeys ? dout_head : v;
  const int64_t gradient_stride = kOfKeys ? head.part() : head.row();
  const Mask mask(head, dropout, factors);

  load_rows(score_rows, kOfKeys ? k : q, head.row(), begin, kBlockRows, time, columns);
  load_rows(gradient_rows, kOfKeys ? v : dout_head, kOfKeys ? head.row() : head.part(), begin, kBlockRows, time,
            columns);
  for (int i = static_cast<int>(threadIdx.x); i < (kOfKeys ? 2 : 1) * kBlockRows * columns; i += kThreads) {
    score_sums[i] = 0.0f;
  }
  float unchanged[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) unchanged[r] = 1.0f;

  const int first = kOfKeys && shape.causal ? begin / kTile * kTile : 0;
  const int last = !kOfKeys && shape.causal ? min(time, begin + kBlockRows) : time;
  for (int other_begin = first; other_begin < last; other_begin += kTile) {
    float scores[kRows] = {};
    float gradients[kRows] = {};
    for (int column = 0; column < columns; column += kChunk) {
      __syncthreads();
      load_chunk(score_tile, score_others, head.row(), other_begin, time, column, columns);
      load_chunk(gradient_tile, gradient_others, gradient_stride, other_begin, time, column, columns);
      __syncthreads();
      add_dots(scores, score_rows + warp_row * columns, columns, column, score_tile);
      add_dots(gradients, gradient_rows + warp_row * columns, columns, column, gradient_tile);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int row = begin + warp_row + r;
      const int query = kOfKeys ? other_begin + lane : row;
      const int key = kOfKeys ? row : other_begin + lane;
      float dscore = 0.0f;
      float weight = 0.0f;
      if (query < time && key < time && (!shape.causal || key <= query)) {
        const float p = expf(scores[r] * factors.score - lse[head.lse_begin() + query]);
        const float factor = mask.factor(query, key, time);
        weight = p * factor;
        dscore = p * (gradients[r] * factor - delta[head.lse_begin() + query]) * factors.score;
      }
      scores_of_warp[r * kTile + lane] = dscore;
      weights_of_warp[r * kTile + lane] = weight;
    }
    __syncwarp();
    for (int column = 0; column < columns; column += kChunk) {
      __syncthreads();
      load_chunk(score_tile, score_others, head.row(), other_begin, time, column, columns);
      if (kOfKeys) {
        load_chunk(gradient_tile, gradient_others, gradient_stride, other_begin, time, column, columns);
      }
      __syncthreads();
      add_weighted(score_sums + warp_row * columns, unchanged, scores_of_warp, columns, column, score_tile);
      if (kOfKeys) {
        add_weighted(value_sums + warp_row * columns, unchanged, weights_of_warp, columns, column, gradient_tile);
      }
    }
  }

  __syncwarp();
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t row = begin + warp_row + r;
    if (row >= time) break;
    T* const to = dqkv + head.qkv_begin() + (kOfKeys ? head.part() : 0) + row * head.row();
    for (int c = lane; c < columns; c += kWarp) {
      to[c] = from_float<T>(score_sums[(warp_row + r) * columns + c]);
      if (kOfKeys) to[head.part() + c] = from_float<T>(value_sums[(warp_row + r) * columns + c]);
    }
  }
}

template <class T, int kRows, bool kOfKeys>
Status backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv, Tensor lse,
                Tensor delta, const Dropout& dropout) {
  constexpr int kBlockRows = kWarps * kRows;
  unsigned blocks = 0;
  MR_RETURN_IF_ERROR(blocks_of(s, kBlockRows, &blocks));
  const size_t row_floats = (kOfKeys ? 4 : 3) * kBlockRows * static_cast<size_t>(s.head_size);
  const size_t floats = 2 * kTileFloats + 2 * kBlockRows * kTile + row_floats;
  return launch(context, attention_plain_backward_kernel<T, kRows, kOfKeys>, blocks, kThreads, floats * sizeof(float),
                dqkv.as<T>(), dout.as<T>(), qkv.as<T>(), lse.as<float>(), delta.as<float>(), s, dropout,
                attention_factors(s, dropout));
}

}  // namespace

template <class T>
Status plain_attention_backward(Context& context, const AttentionShape& s, Tensor dqkv, Tensor dout, Tensor qkv,
                                Tensor out, Tensor lse, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_head_size(s));
  Tensor delta;
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF32, Shape(s.batch * s.heads * s.time), &delta));
  context.scratch->release(mark);
  if (planning(context) || out.num_elements() == 0) return ok();
  const int64_t rows = delta.num_elements();
  MR_CHECK(rows / kWarps < kMostBlocks);
  MR_RETURN_IF_ERROR(launch(context, attention_plain_delta_kernel<T>,
                            static_cast<unsigned>((rows + kWarps - 1) / kWarps), kThreads, 0, delta.as<float>(),
                            dout.as<T>(), out.as<T>(), s));
  if (s.head_size <= kMostColumnsOfFourRows) {
    MR_RETURN_IF_ERROR((backward<T, 4, false>(context, s, dqkv, dout, qkv, lse, delta, dropout)));
    return backward<T, 4, true>(context, s, dqkv, dout, qkv, lse, delta, dropout);
  }
  MR_RETURN_IF_ERROR((backward<T, 1, false>(context, s, dqkv, dout, qkv, lse, delta, dropout)));
  return backward<T, 1, true>(context, s, dqkv, dout, qkv, lse, delta, dropout);
}

template Status plain_attention_backward<float>(Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor, Tensor,
                                                const Dropout&);
template Status plain_attention_backward<BFloat16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor,
                                                   Tensor, const Dropout&);
template Status plain_attention_backward<Float16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor, Tensor,
                                                  Tensor, const Dropout&);

}  // namespace millrace::cuda
