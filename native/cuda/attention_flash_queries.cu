// Flash attention, backward, dQ: a block has kQueries queries of one head and walks over the keys that they see. With
// P = softmax(S), A = P * mask, dA = dout V^T: dS = P * (dA * mask - delta) and dQ = dS K / sqrt(D). delta, the row
// sums of dout * out, is computed here for both passes.
#include "cuda/attention_flash.cuh"
#include "cuda/attention_flash.h"
#include "cuda/launch.h"

namespace millrace::cuda {

namespace {

template <int D>
struct QueryTiles {
  static constexpr int kRowTiles = D <= 64 ? 2 : 1;
  static constexpr int kKeys = D == 64 ? 32 : 64;
  static constexpr int kQueries = kFlashWarps * 16 * kRowTiles;
  // Q and dout, and two stages of K and V.
  static constexpr int kSharedElements = (2 * kQueries + 4 * kKeys) * kTileStride<D>;
};

template <class T, int D, bool kDropout>
__global__ void __launch_bounds__(kFlashThreads, 2)
    attention_flash_queries_kernel(FlashBackward<T> tensors, AttentionShape shape, Dropout dropout,
                                   AttentionFactors factors) {
  using Tiles = QueryTiles<D>;
  constexpr int kRowTiles = Tiles::kRowTiles;
  constexpr int kKeys = Tiles::kKeys;
  constexpr int kGroups = kKeys / 16;
  MR_DYNAMIC_SHARED(T, shared);
  T* const q_tile = shared;
  T* const dout_tile = q_tile + Tiles::kQueries * kTileStride<D>;
  T* const stages = dout_tile + Tiles::kQueries * kTileStride<D>;

  const int time = static_cast<int>(shape.time);
  const int columns = static_cast<int>(shape.head_size);
  const int blocks = (time + Tiles::kQueries - 1) / Tiles::kQueries;
  // Blocks of a head are neighbours; the last sees the most keys and goes first.
  const int query_begin = (blocks - 1 - static_cast<int>(blockIdx.x % static_cast<unsigned>(blocks))) * Tiles::kQueries;
  const AttentionHead head = attention_head(shape, blockIdx.x / static_cast<unsigned>(blocks));
  const int64_t row_stride = head.row();
  const T* const q = tensors.qkv + head.qkv_begin();
  const T* const k = q + head.part();
  const T* const v = k + head.part();

  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_row = static_cast<int>(threadIdx.x) / 32 * 16 * kRowTiles;
  const int warp_query = query_begin + warp_row;
  const int key_end = shape.causal ? min(time, query_begin + Tiles::kQueries) : time;
  const int steps = (key_end + kKeys - 1) / kKeys;

  const auto load = [&](int step) {
    T* const stage = stages + step % 2 * 2 * kKeys * kTileStride<D>;
    const int begin = step * kKeys;
    load_tile_async<D, kKeys>(stage, k + int64_t{begin} * row_stride, row_stride, time - begin, columns);
    load_tile_async<D, kKeys>(stage + kKeys * kTileStride<D>, v + int64_t{begin} * row_stride, row_stride, time - begin,
                              columns);
  };
  load_tile_async<D, Tiles::kQueries>(q_tile, q + query_begin * row_stride, row_stride, time - query_begin, columns);
  load_tile_async<D, Tiles::kQueries>(dout_tile, tensors.dout + head.out_begin() + query_begin * head.part(),
                                      head.part(), time - query_begin, columns);
  load(0);
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();

  float delta[kRowTiles][2];
  float lse_log2[kRowTiles][2];
#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = 16 * m + 8 * half + lane / 4;
      const int query = warp_query + row;
      const T* const out_row = tensors.out + head.out_begin() + query * head.part();
      const T* const dout_row = dout_tile + (warp_row + row) * kTileStride<D>;
      float sum = 0.0f;
      for (int column = lane % 4 * 8; column < columns; column += 32) {
        if (query < time) sum += dot8(out_row + column, dout_row + column);
      }
      delta[m][half] = quad_sum(sum);
      lse_log2[m][half] = 0.0f;
      if (query < time) {
        lse_log2[m][half] = tensors.lse[head.lse_begin() + query] * kLog2E;
        if (lane % 4 == 0) tensors.delta[head.lse_begin() + query] = delta[m][half];
      }
    }
  }

  float dq[kRowTiles][D / 8][4] = {};
  // This lane's first key in its first row, as dropout counts.
  uint64_t element = 0;
  Draws draws{};
  if constexpr (kDropout) {
    element = head.mask_begin(dropout) + (static_cast<uint64_t>(warp_query) + lane / 4) * static_cast<uint64_t>(time) +
              static_cast<uint64_t>(lane % 4 * 4);
    draws = Draws{dropout.keyed(), factors.threshold};
  }
  const float scale_log2 = factors.score * kLog2E;
  const int query_operand = warp_row * kTileStride<D> + operand_a_offset<D, PlainOrder>(lane);
  const int key_operand = operand_b_offset<D, KeyColumns>(lane);
  const int transposed_operand = operand_b_transposed_offset<D, KeyColumns>(lane);

  for (int step = 0; step < steps; ++step) {
    cp_async_wait<0>();
    __syncthreads();  // this stage is there for all, and all are done with the other
    if (step + 1 < steps) load(step + 1);
    cp_async_commit();
    const int key_begin = step * kKeys;
    if (shape.causal && key_begin >= warp_query + 16 * kRowTiles) continue;  // no row of this warp sees the tile
    const T* const k_tile = stages + step % 2 * 2 * kKeys * kTileStride<D>;
    const T* const v_tile = k_tile + kKeys * kTileStride<D>;

    float scores[kRowTiles][2 * kGroups][4] = {};
    multiply_rows<D, kRowTiles, kGroups>(scores, q_tile + query_operand, k_tile + key_operand);
    if (key_begin + kKeys > time || (shape.causal && key_begin + kKeys > warp_query + 1)) {
      hide_columns<kRowTiles, kGroups>(scores, warp_query, time, shape.causal, key_begin, lane);
    }
    float gradients[kRowTiles][2 * kGroups][4] = {};
    multiply_rows<D, kRowTiles, kGroups>(gradients, dout_tile + query_operand, v_tile + key_operand);
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
      uint32_t keep = 0;
      if constexpr (kDropout) {
        const uint64_t at = element + static_cast<uint64_t>(16 * m) * static_cast<uint64_t>(time) + key_begin;
        keep = keep_columns<kGroups>(draws, at, at + 8 * static_cast<uint64_t>(time), lane);
      }
#pragma unroll
      for (int n = 0; n < 2 * kGroups; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const float p = exp2_approx(fmaf(scores[m][n][e], scale_log2, -lse_log2[m][e / 2]));
          float gradient = gradients[m][n][e];
          if constexpr (kDropout) {
            gradient = bit_of(keep, n / 2 * 8 + e / 2 * 4 + n % 2 * 2 + e % 2) ? gradient * factors.kept : 0.0f;
          }
          gradients[m][n][e] = p * (gradient - delta[m][e / 2]);
        }
      }
    }
    multiply_probabilities<D, kRowTiles, kGroups>(dq, gradients, k_tile + transposed_operand);
  }

#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
    const int query = warp_query + 16 * m;
    const int row[2] = {lane / 4, lane / 4 + 8};
    const float factor[2] = {factors.score, factors.score};
    store_rows<D>(q_tile + (warp_row + 16 * m) * kTileStride<D>, dq[m], row, factor,
                  tensors.dqkv + head.qkv_begin() + query * row_stride, row_stride, time - query, columns);
  }
}

template <class T>
struct Queries {
  Context& context;
  const AttentionShape& shape;
  const FlashBackward<T>& tensors;
  const Dropout& dropout;

  template <int D>
  Status run() const {
    using Tiles = QueryTiles<D>;
    const int64_t blocks = shape.batch * shape.heads * ((shape.time + Tiles::kQueries - 1) / Tiles::kQueries);
    MR_CHECK(blocks <= kMostBlocks);
    const auto kernel =
        dropout.p == 0.0f ? attention_flash_queries_kernel<T, D, false> : attention_flash_queries_kernel<T, D, true>;
    return launch(context, kernel, static_cast<unsigned>(blocks), kFlashThreads, Tiles::kSharedElements * sizeof(T),
                  tensors, shape, dropout, attention_factors(shape, dropout));
  }
};

}  // namespace

template <class T>
Status flash_backward_queries(Context& context, const AttentionShape& s, const FlashBackward<T>& tensors,
                              const Dropout& dropout) {
  return for_tile_width(s.head_size, Queries<T>{context, s, tensors, dropout});
}

template Status flash_backward_queries(Context&, const AttentionShape&, const FlashBackward<BFloat16>&, const Dropout&);
template Status flash_backward_queries(Context&, const AttentionShape&, const FlashBackward<Float16>&, const Dropout&);

}  // namespace millrace::cuda
