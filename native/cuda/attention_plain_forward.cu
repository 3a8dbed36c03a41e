#include "cuda/attention_plain.cuh"

namespace millrace::cuda {

namespace {

using namespace plain;

template <class T, int kRows>
__global__ void __launch_bounds__(kThreads, 2)
    attention_plain_forward_kernel(const T* qkv, T* out, float* lse, AttentionShape shape, Dropout dropout,
                                   AttentionFactors factors) {
  constexpr int kBlockRows = kWarps * kRows;
  MR_DYNAMIC_SHARED(float, tile);
  float* const weights = tile + kTileFloats + static_cast<int>(threadIdx.x) / kWarp * kRows * kTile;
  float* const q_rows = tile + kTileFloats + kBlockRows * kTile;

  const int time = static_cast<int>(shape.time);
  const int columns = static_cast<int>(shape.head_size);
  float* const out_rows = q_rows + kBlockRows * columns;
  const int blocks = (time + kBlockRows - 1) / kBlockRows;
  const AttentionHead head = attention_head(shape, blockIdx.x / static_cast<unsigned>(blocks));
  const int begin = (blocks - 1 - static_cast<int>(blockIdx.x % static_cast<unsigned>(blocks))) * kBlockRows;
  const T* const q = qkv + head.qkv_begin();
  const Mask mask(head, dropout, factors);
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp_row = static_cast<int>(threadIdx.x) / kWarp * kRows;
  float* const own_out = out_rows + warp_row * columns;

  load_rows(q_rows, q, head.row(), begin, kBlockRows, time, columns);
  for (int i = static_cast<int>(threadIdx.x); i < kBlockRows * columns; i += kThreads) out_rows[i] = 0.0f;
  float maximum[kRows], sum[kRows];
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    maximum[r] = -INFINITY;
    sum[r] = 0.0f;
  }

  const int key_end = shape.causal ? min(time, begin + kBlockRows) : time;
  for (int key_begin = 0; key_begin < key_end; key_begin += kTile) {
    float scores[kRows] = {};
    for (int column = 0; column < columns; column += kChunk) {
      __syncthreads();
      load_chunk(tile, q + head.part(), head.row(), key_begin, time, column, columns);
      __syncthreads();
      add_dots(scores, q_rows + warp_row * columns, columns, column, tile);
    }
    float correction[kRows];
    const int key = key_begin + lane;
#pragma unroll
    for (int r = 0; r < kRows; ++r) {
      const int query = begin + warp_row + r;
      const bool seen = key < time && (!shape.causal || key <= query);
      const float score = seen ? scores[r] * factors.score : -INFINITY;
      const float largest = fmaxf(maximum[r], warp_max(score));  // finite: all see key 0
      correction[r] = expf(maximum[r] - largest);
      maximum[r] = largest;
      const float p = expf(score - largest);
      sum[r] = sum[r] * correction[r] + warp_sum(p);
      weights[r * kTile + lane] = seen ? p * mask.factor(query, key, time) : 0.0f;
    }
    __syncwarp();
    for (int column = 0; column < columns; column += kChunk) {
      __syncthreads();
      load_chunk(tile, q + 2 * head.part(), head.row(), key_begin, time, column, columns);
      __syncthreads();
      add_weighted(own_out, correction, weights, columns, column, tile);
    }
  }

  __syncwarp();
#pragma unroll
  for (int r = 0; r < kRows; ++r) {
    const int64_t query = begin + warp_row + r;
    if (query >= time) break;
    T* const to = out + head.out_begin() + query * head.part();
    for (int c = lane; c < columns; c += kWarp) to[c] = from_float<T>(__fdividef(own_out[r * columns + c], sum[r]));
    if (lane == 0) lse[head.lse_begin() + query] = maximum[r] + logf(sum[r]);
  }
}

template <class T, int kRows>
Status forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv, const Dropout& dropout) {
  constexpr int kBlockRows = kWarps * kRows;
  unsigned blocks = 0;
  MR_RETURN_IF_ERROR(blocks_of(s, kBlockRows, &blocks));
  const size_t floats = kTileFloats + kBlockRows * kTile + 2 * kBlockRows * static_cast<size_t>(s.head_size);
  return launch(context, attention_plain_forward_kernel<T, kRows>, blocks, kThreads, floats * sizeof(float),
                qkv.as<T>(), out.as<T>(), lse.as<float>(), s, dropout, attention_factors(s, dropout));
}

}  // namespace

template <class T>
Status plain_attention_forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv,
                               const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_head_size(s));
  if (planning(context) || out.num_elements() == 0) return ok();
  return s.head_size <= kMostColumnsOfFourRows ? forward<T, 4>(context, s, out, lse, qkv, dropout)
                                               : forward<T, 1>(context, s, out, lse, qkv, dropout);
}

template Status plain_attention_forward<float>(Context&, const AttentionShape&, Tensor, Tensor, Tensor, const Dropout&);
template Status plain_attention_forward<BFloat16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor,
                                                  const Dropout&);
template Status plain_attention_forward<Float16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor,
                                                 const Dropout&);

}  // namespace millrace::cuda
