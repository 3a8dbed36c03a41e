// What the plain kernels of attention share: f32 arithmetic for any head size up to kMostColumns, the oracle of the
// other engines on the device, and what f32 runs on. A warp has kRows rows of one head (queries, or keys for dK and dV)
// and walks over the other side in tiles of 32, one to a lane; rows and their sums stay in shared memory.
#ifndef MILLRACE_CUDA_ATTENTION_PLAIN_CUH_
#define MILLRACE_CUDA_ATTENTION_PLAIN_CUH_

#include "cuda/attention.h"
#include "cuda/launch.h"
#include "cuda/numbers.h"

namespace millrace::cuda::plain {

inline constexpr int kWarps = 8;
inline constexpr int kThreads = kWarps * kWarp;
inline constexpr int kTile = kWarp;             // rows of a tile
inline constexpr int kChunk = 64;               // columns of it that are in shared memory at a time
inline constexpr int kTileStride = kChunk + 1;  // odd: lanes that read one column of 32 rows meet no bank conflict
inline constexpr int kTileFloats = kTile * kTileStride;
inline constexpr int64_t kMostColumns = 1024;  // 4 * 8 rows of f32 are 128 KiB then
inline constexpr int64_t kMostBlocks = 0x7fffffff;

// Rows of a warp: four share what is read of a tile, as long as they fit.
inline constexpr int64_t kMostColumnsOfFourRows = 128;

// Copies rows [begin, begin + count) of a strided tensor; rows from `time` on are 0.
template <class T>
__device__ __forceinline__ void load_rows(float* rows, const T* from, int64_t stride, int begin, int count, int time,
                                          int columns) {
  for (int i = static_cast<int>(threadIdx.x); i < count * columns; i += kThreads) {
    const int row = begin + i / columns;
    rows[i] = row < time ? to_float(from[row * stride + i % columns]) : 0.0f;
  }
}

// Copies columns [column, column + kChunk) of kTile rows; what lies outside is 0.
template <class T>
__device__ __forceinline__ void load_chunk(float* tile, const T* from, int64_t stride, int begin, int time, int column,
                                           int columns) {
  for (int i = static_cast<int>(threadIdx.x); i < kTile * kChunk; i += kThreads) {
    const int row = begin + i / kChunk;
    const int c = column + i % kChunk;
    tile[i / kChunk * kTileStride + i % kChunk] = row < time && c < columns ? to_float(from[row * stride + c]) : 0.0f;
  }
}

// sums[r] += the dot product of this warp's row r and this lane's row of the tile, over a chunk.
template <int kRows>
__device__ __forceinline__ void add_dots(float (&sums)[kRows], const float* rows, int columns, int column,
                                         const float* tile) {
  const float* const own = tile + static_cast<int>(threadIdx.x) % kWarp * kTileStride;
  const int count = min(kChunk, columns - column);
  for (int c = 0; c < count; ++c) {
#pragma unroll
    for (int r = 0; r < kRows; ++r) sums[r] = fmaf(rows[r * columns + column + c], own[c], sums[r]);
  }
}

// sums[r][c] = sums[r][c] * factor[r] + the weights(kRows, kTile) times the tile, over a chunk of columns.
template <int kRows>
__device__ __forceinline__ void add_weighted(float* sums, const float (&factor)[kRows], const float* weights,
                                             int columns, int column, const float* tile) {
  const int count = min(kChunk, columns - column);
  for (int c = static_cast<int>(threadIdx.x) % kWarp; c < count; c += kWarp) {
    float sum[kRows];
#pragma unroll
    for (int r = 0; r < kRows; ++r) sum[r] = sums[r * columns + column + c] * factor[r];
#pragma unroll 8
    for (int j = 0; j < kTile; ++j) {
      const float value = tile[j * kTileStride + c];
#pragma unroll
      for (int r = 0; r < kRows; ++r) sum[r] = fmaf(weights[r * kTile + j], value, sum[r]);
    }
#pragma unroll
    for (int r = 0; r < kRows; ++r) sums[r * columns + column + c] = sum[r];
  }
}

// The factor of dropout on the probability of key j for query i.
struct Mask {
  PhiloxKey key;
  uint64_t begin = 0;
  uint32_t threshold;
  float kept;
  bool drops;

  __device__ __forceinline__ Mask(const AttentionHead& head, const Dropout& dropout, const AttentionFactors& factors)
      : threshold(factors.threshold), kept(factors.kept), drops(dropout.p != 0.0f) {
    if (!drops) return;
    key = dropout.keyed();
    begin = head.mask_begin(dropout);
  }
  __device__ __forceinline__ float factor(int64_t i, int64_t j, int64_t time) const {
    if (!drops) return 1.0f;
    const uint64_t element = begin + static_cast<uint64_t>(i * time + j);
    const Philox4 drawn = philox(key, element >> 2);
    // Not word[element & 3]: registers have no index.
    const uint32_t low = (element & 1) == 0 ? drawn.word[0] : drawn.word[1];
    const uint32_t high = (element & 1) == 0 ? drawn.word[2] : drawn.word[3];
    return ((element & 2) == 0 ? low : high) >= threshold ? kept : 0.0f;
  }
};

inline Status check_head_size(const AttentionShape& s) {
  if (s.head_size <= kMostColumns) return ok();
  return invalid_argument("expected a head size of at most " + std::to_string(kMostColumns) + " on a GPU, got " +
                          std::to_string(s.head_size));
}

// Blocks of a grid in which each has `rows` rows of one head.
inline Status blocks_of(const AttentionShape& s, int rows, unsigned* out) {
  const int64_t blocks = s.batch * s.heads * ((s.time + rows - 1) / rows);
  MR_CHECK(blocks <= kMostBlocks);
  *out = static_cast<unsigned>(blocks);
  return ok();
}

}  // namespace millrace::cuda::plain

#endif  // MILLRACE_CUDA_ATTENTION_PLAIN_CUH_
