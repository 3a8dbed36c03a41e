// Flash attention, backward, dK and dV: a block has kKeys keys of one head and walks over the queries that see them.
// Scores are computed as S^T = K Q^T, for then P^T and dS^T leave a product as the next one takes them: dV = P^T dout,
// dK = dS^T Q / sqrt(D); see attention_flash_queries.cu for dS.
#include "cuda/attention_flash.cuh"
#include "cuda/attention_flash.h"
#include "cuda/launch.h"

namespace millrace::cuda {

namespace {

// A warp keeps dK and dV of its keys: D registers a thread for each 16 of them, beside 2 * kQueries / 2 for scores.
template <int D>
struct KeyTiles {
  static constexpr int kRowTiles = 1;
  static constexpr int kQueries = D <= 96 ? 64 : 32;
  static constexpr int kKeys = kFlashWarps * 16 * kRowTiles;
  // K and V, two stages of Q and dout, and of lse and delta as f32.
  static constexpr int kTileElements = (2 * kKeys + 4 * kQueries) * kTileStride<D>;
  static constexpr size_t kSharedBytes = kTileElements * 2 + 4 * kQueries * sizeof(float);
};

template <class T, int D, bool kDropout>
__global__ void __launch_bounds__(kFlashThreads, 2)
    attention_flash_keys_kernel(FlashBackward<T> tensors, AttentionShape shape, Dropout dropout,
                                AttentionFactors factors) {
  using Tiles = KeyTiles<D>;
  constexpr int kRowTiles = Tiles::kRowTiles;
  constexpr int kQueries = Tiles::kQueries;
  constexpr int kGroups = kQueries / 16;
  static_assert(2 * kQueries <= kFlashThreads);
  MR_DYNAMIC_SHARED(T, shared);
  T* const k_tile = shared;
  T* const v_tile = k_tile + Tiles::kKeys * kTileStride<D>;
  T* const stages = v_tile + Tiles::kKeys * kTileStride<D>;
  float* const statistics = reinterpret_cast<float*>(shared + Tiles::kTileElements);

  const int time = static_cast<int>(shape.time);
  const int columns = static_cast<int>(shape.head_size);
  const int blocks = (time + Tiles::kKeys - 1) / Tiles::kKeys;
  // Blocks of a head are neighbours; the first is seen by the most queries and goes first.
  const int key_begin = static_cast<int>(blockIdx.x % static_cast<unsigned>(blocks)) * Tiles::kKeys;
  const AttentionHead head = attention_head(shape, blockIdx.x / static_cast<unsigned>(blocks));
  const int64_t row_stride = head.row();
  const T* const q = tensors.qkv + head.qkv_begin();
  const T* const k = q + head.part();
  const T* const v = k + head.part();
  const T* const dout = tensors.dout + head.out_begin();

  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp_row = static_cast<int>(threadIdx.x) / 32 * 16 * kRowTiles;
  const int warp_key = key_begin + warp_row;
  const int first_step = shape.causal ? key_begin / kQueries : 0;
  const int steps = (time + kQueries - 1) / kQueries;

  // Rows past the end are zeros in all four, so they add nothing.
  const auto load = [&](int step) {
    T* const stage = stages + step % 2 * 2 * kQueries * kTileStride<D>;
    const int begin = step * kQueries;
    load_tile_async<D, kQueries>(stage, q + int64_t{begin} * row_stride, row_stride, time - begin, columns);
    load_tile_async<D, kQueries>(stage + kQueries * kTileStride<D>, dout + int64_t{begin} * head.part(), head.part(),
                                 time - begin, columns);
    const int thread = static_cast<int>(threadIdx.x);
    if (thread < 2 * kQueries) {
      const int query = begin + thread % kQueries;
      const float* const from = thread < kQueries ? tensors.lse : tensors.delta;
      cp_async_4(statistics + step % 2 * 2 * kQueries + thread, from + head.lse_begin() + query, query < time);
    }
  };
  load_tile_async<D, Tiles::kKeys>(k_tile, k + int64_t{key_begin} * row_stride, row_stride, time - key_begin, columns);
  load_tile_async<D, Tiles::kKeys>(v_tile, v + int64_t{key_begin} * row_stride, row_stride, time - key_begin, columns);
  load(first_step);
  cp_async_commit();

  float dk[kRowTiles][D / 8][4] = {};
  float dv[kRowTiles][D / 8][4] = {};
  // The block of four keys and one query that this lane draws first, as dropout counts.
  uint64_t element = 0;
  Draws draws{};
  if constexpr (kDropout) {
    element = head.mask_begin(dropout) +
              static_cast<uint64_t>(lane % 4 * 2 + (lane >> 2 & 1)) * static_cast<uint64_t>(time) +
              static_cast<uint64_t>(warp_key + (lane >> 3) * 4);
    draws = Draws{dropout.keyed(), factors.threshold};
  }
  const float scale_log2 = factors.score * kLog2E;
  const int key_operand = warp_row * kTileStride<D> + operand_a_offset<D, KeyRows>(lane);
  const int query_operand = operand_b_offset<D, PlainOrder>(lane);
  const int transposed_operand = operand_b_transposed_offset<D, PlainOrder>(lane);
  const int row[2] = {KeyRows::row(0, lane / 4), KeyRows::row(1, lane / 4)};

  for (int step = first_step; step < steps; ++step) {
    cp_async_wait<0>();
    __syncthreads();  // this stage is there for all, and all are done with the other
    if (step + 1 < steps) load(step + 1);
    cp_async_commit();
    const int query_begin = step * kQueries;
    if (shape.causal && query_begin + kQueries <= warp_key) continue;  // no query of the tile sees this warp's keys
    const T* const q_tile = stages + step % 2 * 2 * kQueries * kTileStride<D>;
    const T* const dout_tile = q_tile + kQueries * kTileStride<D>;
    const float* const lse_tile = statistics + step % 2 * 2 * kQueries + lane % 4 * 2;
    const float* const delta_tile = lse_tile + kQueries;

    float probabilities[kRowTiles][2 * kGroups][4] = {};
    multiply_rows<D, kRowTiles, kGroups>(probabilities, k_tile + key_operand, q_tile + query_operand);
    float gradients[kRowTiles][2 * kGroups][4] = {};
    multiply_rows<D, kRowTiles, kGroups>(gradients, v_tile + key_operand, dout_tile + query_operand);
    const bool hides = shape.causal && query_begin < warp_key + 16 * kRowTiles - 1;
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
      uint32_t keep = 0;
      if constexpr (kDropout) {
        const uint64_t first_query = static_cast<uint64_t>(query_begin) * static_cast<uint64_t>(time);
        keep = keep_rows<2 * kGroups>(draws, element + first_query + 16 * m, static_cast<uint64_t>(time), lane);
      }
#pragma unroll
      for (int n = 0; n < 2 * kGroups; ++n) {
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int column = 8 * n + e % 2;  // of the tile, from this lane's first
          float p = exp2_approx(fmaf(probabilities[m][n][e], scale_log2, -kLog2E * lse_tile[column]));
          if (hides && warp_key + 16 * m + row[e / 2] > query_begin + lane % 4 * 2 + column) p = 0.0f;
          float gradient = gradients[m][n][e];
          float dropped = p;
          if constexpr (kDropout) {
            const bool kept = bit_of(keep, 4 * n + e % 2 * 2 + e / 2);
            gradient = kept ? gradient * factors.kept : 0.0f;
            dropped = kept ? p : 0.0f;
          }
          probabilities[m][n][e] = dropped;
          gradients[m][n][e] = p * (gradient - delta_tile[column]);
        }
      }
    }
    multiply_probabilities<D, kRowTiles, kGroups>(dv, probabilities, dout_tile + transposed_operand);
    multiply_probabilities<D, kRowTiles, kGroups>(dk, gradients, q_tile + transposed_operand);
  }

#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
    const int key = warp_key + 16 * m;
    T* const staging = k_tile + (warp_row + 16 * m) * kTileStride<D>;
    T* const dk_rows = tensors.dqkv + head.qkv_begin() + head.part() + key * row_stride;
    const float dk_factor[2] = {factors.score, factors.score};
    const float dv_factor[2] = {factors.kept, factors.kept};
    store_rows<D>(staging, dk[m], row, dk_factor, dk_rows, row_stride, time - key, columns);
    store_rows<D>(staging, dv[m], row, dv_factor, dk_rows + head.part(), row_stride, time - key, columns);
  }
}

template <class T>
struct Keys {
  Context& context;
  const AttentionShape& shape;
  const FlashBackward<T>& tensors;
  const Dropout& dropout;

  template <int D>
  Status run() const {
    using Tiles = KeyTiles<D>;
    const int64_t blocks = shape.batch * shape.heads * ((shape.time + Tiles::kKeys - 1) / Tiles::kKeys);
    MR_CHECK(blocks <= kMostBlocks);
    const auto kernel =
        dropout.p == 0.0f ? attention_flash_keys_kernel<T, D, false> : attention_flash_keys_kernel<T, D, true>;
    return launch(context, kernel, static_cast<unsigned>(blocks), kFlashThreads, Tiles::kSharedBytes, tensors, shape,
                  dropout, attention_factors(shape, dropout));
  }
};

}  // namespace

template <class T>
Status flash_backward_keys(Context& context, const AttentionShape& s, const FlashBackward<T>& tensors,
                           const Dropout& dropout) {
  return for_tile_width(s.head_size, Keys<T>{context, s, tensors, dropout});
}

template Status flash_backward_keys(Context&, const AttentionShape&, const FlashBackward<BFloat16>&, const Dropout&);
template Status flash_backward_keys(Context&, const AttentionShape&, const FlashBackward<Float16>&, const Dropout&);

}  // namespace millrace::cuda
