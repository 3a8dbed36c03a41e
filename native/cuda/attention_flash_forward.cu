// Flash attention, forward: a block has kQueries queries of one head and walks over the keys that they see, tile by
// tile, with a running maximum and sum for each row (Dao, "FlashAttention-2", 2023). Scores never leave registers.
#include "cuda/attention_flash.cuh"
#include "cuda/launch.h"

namespace millrace::cuda {

namespace {

// Rows of a warp are 16 * kRowTiles: two tiles halve what is read from shared memory for a product, and cost D + keys /
// 2 more registers a thread, of 255.
template <int D>
struct ForwardTiles {
  static constexpr int kRowTiles = D <= 96 ? 2 : 1;
  static constexpr int kKeys = D == 96 ? 48 : 64;
  static constexpr int kQueries = kFlashWarps * 16 * kRowTiles;
  // Q, and two stages of K and V: one is read while the next is on its way.
  static constexpr int kSharedElements = (kQueries + 4 * kKeys) * kTileStride<D>;
};

template <class T, int D, bool kDropout>
__global__ void __launch_bounds__(kFlashThreads, 2)
    attention_flash_forward_kernel(const T* qkv, T* out, float* lse, AttentionShape shape, Dropout dropout,
                                   AttentionFactors factors) {
  using Tiles = ForwardTiles<D>;
  constexpr int kRowTiles = Tiles::kRowTiles;
  constexpr int kKeys = Tiles::kKeys;
  constexpr int kGroups = kKeys / 16;
  MR_DYNAMIC_SHARED(T, shared);
  T* const q_tile = shared;
  T* const stages = q_tile + Tiles::kQueries * kTileStride<D>;

  const int time = static_cast<int>(shape.time);
  const int columns = static_cast<int>(shape.head_size);
  const int blocks = (time + Tiles::kQueries - 1) / Tiles::kQueries;
  // Blocks of a head are neighbours, for its K and V stay in the cache; the last sees the most keys and goes first.
  const int query_begin = (blocks - 1 - static_cast<int>(blockIdx.x % static_cast<unsigned>(blocks))) * Tiles::kQueries;
  const AttentionHead head = attention_head(shape, blockIdx.x / static_cast<unsigned>(blocks));
  const int64_t row_stride = head.row();
  const T* const q = qkv + head.qkv_begin();
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
  load(0);
  cp_async_commit();

  float accumulated[kRowTiles][D / 8][4] = {};
  float maximum[kRowTiles][2];  // of the scores before scaling
  float sum[kRowTiles][2];      // of this lane's columns
#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      maximum[m][half] = no_score();
      sum[m][half] = 0.0f;
    }
  }
  // This lane's first key in its first row, as dropout counts.
  uint64_t element = 0;
  Draws draws{};
  if constexpr (kDropout) {
    element = head.mask_begin(dropout) + (static_cast<uint64_t>(warp_query) + lane / 4) * static_cast<uint64_t>(time) +
              static_cast<uint64_t>(lane % 4 * 4);
    draws = Draws{dropout.keyed(), factors.threshold};
  }
  const float scale_log2 = factors.score * kLog2E;
  const T* const q_operand = q_tile + warp_row * kTileStride<D> + operand_a_offset<D, PlainOrder>(lane);
  const int k_operand = operand_b_offset<D, KeyColumns>(lane);
  const int v_operand = operand_b_transposed_offset<D, KeyColumns>(lane);

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
    multiply_rows<D, kRowTiles, kGroups>(scores, q_operand, k_tile + k_operand);
    if (key_begin + kKeys > time || (shape.causal && key_begin + kKeys > warp_query + 1)) {
      hide_columns<kRowTiles, kGroups>(scores, warp_query, time, shape.causal, key_begin, lane);
    }
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float largest = maximum[m][half];
#pragma unroll
        for (int n = 0; n < 2 * kGroups; ++n) {
          largest = fmaxf(largest, fmaxf(scores[m][n][2 * half], scores[m][n][2 * half + 1]));
        }
        largest = quad_max(largest);  // finite: every row sees the first key of the first tile
        const float correction = exp2_approx((maximum[m][half] - largest) * scale_log2);
        maximum[m][half] = largest;
        const float shift = largest * scale_log2;
        float row_sum = sum[m][half] * correction;
#pragma unroll
        for (int n = 0; n < 2 * kGroups; ++n) {
#pragma unroll
          for (int e = 2 * half; e < 2 * half + 2; ++e) {
            scores[m][n][e] = exp2_approx(fmaf(scores[m][n][e], scale_log2, -shift));
            row_sum += scores[m][n][e];
          }
        }
        sum[m][half] = row_sum;
#pragma unroll
        for (int n = 0; n < D / 8; ++n) {
          accumulated[m][n][2 * half] *= correction;
          accumulated[m][n][2 * half + 1] *= correction;
        }
      }
      if constexpr (kDropout) {
        const uint64_t at = element + static_cast<uint64_t>(16 * m) * static_cast<uint64_t>(time) + key_begin;
        const uint32_t keep = keep_columns<kGroups>(draws, at, at + 8 * static_cast<uint64_t>(time), lane);
#pragma unroll
        for (int n = 0; n < 2 * kGroups; ++n) {
#pragma unroll
          for (int e = 0; e < 4; ++e) {
            if (!bit_of(keep, n / 2 * 8 + e / 2 * 4 + n % 2 * 2 + e % 2)) scores[m][n][e] = 0.0f;
          }
        }
      }
    }
    multiply_probabilities<D, kRowTiles, kGroups>(accumulated, scores, v_tile + v_operand);
  }

#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
    const int query = warp_query + 16 * m;
    const int row[2] = {lane / 4, lane / 4 + 8};
    float factor[2];
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float total = quad_sum(sum[m][half]);
      factor[half] = __fdividef(kDropout ? factors.kept : 1.0f, total);
      if (lane % 4 == 0 && query + row[half] < time) {
        lse[head.lse_begin() + query + row[half]] = maximum[m][half] * factors.score + logf(total);
      }
    }
    store_rows<D>(q_tile + (warp_row + 16 * m) * kTileStride<D>, accumulated[m], row, factor,
                  out + head.out_begin() + query * head.part(), head.part(), time - query, columns);
  }
}

template <class T>
struct Forward {
  Context& context;
  const AttentionShape& shape;
  const T* qkv;
  T* out;
  float* lse;
  const Dropout& dropout;

  template <int D>
  Status run() const {
    using Tiles = ForwardTiles<D>;
    const int64_t blocks = shape.batch * shape.heads * ((shape.time + Tiles::kQueries - 1) / Tiles::kQueries);
    MR_CHECK(blocks <= kMostBlocks);
    constexpr size_t kSharedBytes = Tiles::kSharedElements * sizeof(T);
    const AttentionFactors factors = attention_factors(shape, dropout);
    if (dropout.p == 0.0f) {
      return launch(context, attention_flash_forward_kernel<T, D, false>, static_cast<unsigned>(blocks), kFlashThreads,
                    kSharedBytes, qkv, out, lse, shape, dropout, factors);
    }
    return launch(context, attention_flash_forward_kernel<T, D, true>, static_cast<unsigned>(blocks), kFlashThreads,
                  kSharedBytes, qkv, out, lse, shape, dropout, factors);
  }
};

}  // namespace

template <class T>
Status flash_attention_forward(Context& context, const AttentionShape& s, Tensor out, Tensor lse, Tensor qkv,
                               const Dropout& dropout) {
  if (planning(context) || out.num_elements() == 0) return ok();
  return for_tile_width(s.head_size, Forward<T>{context, s, qkv.as<T>(), out.as<T>(), lse.as<float>(), dropout});
}

template Status flash_attention_forward<BFloat16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor,
                                                  const Dropout&);
template Status flash_attention_forward<Float16>(Context&, const AttentionShape&, Tensor, Tensor, Tensor,
                                                 const Dropout&);

}  // namespace millrace::cuda
