// The parts of the flash kernels: tiles of rows in shared memory, fragments of m16n8k16 products, masks of dropout.
//
// A tile has rows of D 16-bit elements and a gap of 16 bytes: D is a multiple of 16, so a row is an odd number of
// 16-byte chunks and any eight rows whose numbers differ modulo 8 lie in different banks.
//
// A C fragment gives lane 4g+q the columns 2q, 2q+1 of rows g and g+8. Dropout draws four neighbouring keys at once, so
// keys are not taken in the order of the tile: keys_of_slot() hands each lane four neighbours, at no cost, for
// ldmatrix takes any row addresses. The same order of keys in both products of a kernel cancels out.
#ifndef MILLRACE_CUDA_ATTENTION_FLASH_CUH_
#define MILLRACE_CUDA_ATTENTION_FLASH_CUH_

#include "cuda/attention.h"
#include "cuda/numbers.h"
#include "cuda/ptx.h"

namespace millrace::cuda {

inline constexpr int kFlashWarps = 4;
inline constexpr int kFlashThreads = kFlashWarps * 32;
inline constexpr int64_t kMostBlocks = 0x7fffffff;  // of a grid
inline constexpr float kLog2E = 1.4426950408889634f;

template <int D>
inline constexpr int kTileStride = D + 8;

// Where row `slot` (0..7) of the first or second n8 tile of a group of 16 lies in the group.
//
// For keys as columns: lane 4g+q owns keys 4q .. 4q+3, the first two of them in tile q / 2. A tile then holds keys
// 0 1 4 5 10 11 14 15 or 2 3 6 7 8 9 12 13: all different modulo 8.
struct PlainOrder {
  static __device__ __forceinline__ int row(int tile, int slot) { return 8 * tile + slot; }
};
struct KeyColumns {
  static __device__ __forceinline__ int row(int tile, int slot) {
    return 4 * (slot >> 1) + 2 * (tile ^ (slot >> 2)) + (slot & 1);
  }
};
// For keys as rows of an A operand: lane 4g+q owns keys 2g and 2g+1. A half then holds 0 2 4 6 9 11 13 15 or the
// others.
struct KeyRows {
  static __device__ __forceinline__ int row(int half, int slot) { return 2 * slot + (half ^ (slot >> 2)); }
};

// Offsets, in elements, at which a lane addresses its row for ldmatrix in a group of 16 rows.
template <int D, class Order>
__device__ __forceinline__ int operand_a_offset(int lane) {  // 16 rows x 16 columns
  return Order::row(lane >> 3 & 1, lane & 7) * kTileStride<D> + (lane >> 4) * 8;
}
template <int D, class Order>
__device__ __forceinline__ int operand_b_offset(int lane) {  // B = rows^T: 16 rows are two n8 tiles, k along a row
  return Order::row(lane >> 4, lane & 7) * kTileStride<D> + (lane >> 3 & 1) * 8;
}
template <int D, class Order>
__device__ __forceinline__ int operand_b_transposed_offset(int lane) {  // B = rows: 16 rows are k, n along a row
  return Order::row(lane >> 3 & 1, lane & 7) * kTileStride<D> + (lane >> 4) * 8;
}

// How many threads copy a row: the largest power of two that divides its chunks, so a thread keeps its column.
template <int D>
inline constexpr int kRowThreads = D % 128 == 0  ? 16
                                   : D % 64 == 0 ? 8
                                   : D % 32 == 0 ? 4
                                                 : 2;

// Starts to copy kRows rows of `columns` elements to a tile; rows from `rows` on and columns from `columns` on are 0.
template <int D, int kRows, class T>
__device__ __forceinline__ void load_tile_async(T* tile, const T* from, int64_t row_stride, int rows, int columns) {
  constexpr int kRowsAtOnce = kFlashThreads / kRowThreads<D>;
  const int row = static_cast<int>(threadIdx.x) / kRowThreads<D>;
  const int column = static_cast<int>(threadIdx.x) % kRowThreads<D> * 8;
  T* to = tile + row * kTileStride<D> + column;
  from += row * row_stride + column;
#pragma unroll 2  // all of them at once take more registers than there are
  for (int r = 0; r < kRows; r += kRowsAtOnce) {
    if (kRows % kRowsAtOnce != 0 && r + row >= kRows) break;
#pragma unroll
    for (int c = 0; c < D; c += 8 * kRowThreads<D>) {
      cp_async_16(to + r * kTileStride<D> + c, from + c, r + row < rows && c + column < columns);
    }
    from += kRowsAtOnce * row_stride;
  }
}

// c += a b for the two n8 tiles that one ldmatrix of B fetches.
template <class T>
__device__ __forceinline__ void multiply_add(float (&first)[4], float (&second)[4], const uint32_t (&a)[4],
                                             const uint32_t (&b)[4]) {
  const uint32_t left[2] = {b[0], b[1]};
  const uint32_t right[2] = {b[2], b[3]};
  mma_m16n8k16<T>(first, a, left, first);
  mma_m16n8k16<T>(second, a, right, second);
}

// c(16 x 16 * kGroups) += a(16 rows of `left`, D) b(16 * kGroups rows of `right`, D)^T; c[2 * group + tile].
template <int D, int kRowTiles, int kGroups, class T>
__device__ __forceinline__ void multiply_rows(float (&c)[kRowTiles][2 * kGroups][4], const T* left, const T* right) {
#pragma unroll
  for (int k = 0; k < D; k += 16) {
    uint32_t a[kRowTiles][4];
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) ldmatrix_x4(a[m], left + m * 16 * kTileStride<D> + k);
#pragma unroll
    for (int group = 0; group < kGroups; ++group) {
      uint32_t b[4];
      ldmatrix_x4(b, right + group * 16 * kTileStride<D> + k);
#pragma unroll
      for (int m = 0; m < kRowTiles; ++m) {
        multiply_add<T>(c[m][2 * group], c[m][2 * group + 1], a[m], b);
      }
    }
  }
}

// A group of 16 columns of C fragments as an A operand of the next product, rounded to T.
template <class T>
__device__ __forceinline__ void operand_of(uint32_t (&a)[4], const float (&first)[4], const float (&second)[4]) {
  a[0] = pack_pair<T>(first[0], first[1]);
  a[1] = pack_pair<T>(first[2], first[3]);
  a[2] = pack_pair<T>(second[0], second[1]);
  a[3] = pack_pair<T>(second[2], second[3]);
}

// c(16, D) += p(16 x 16 * kGroups) b(16 * kGroups rows of `right`, D).
template <int D, int kRowTiles, int kGroups, class T>
__device__ __forceinline__ void multiply_probabilities(float (&c)[kRowTiles][D / 8][4],
                                                       const float (&p)[kRowTiles][2 * kGroups][4], const T* right) {
#pragma unroll
  for (int group = 0; group < kGroups; ++group) {
    uint32_t a[kRowTiles][4];
#pragma unroll
    for (int m = 0; m < kRowTiles; ++m) operand_of<T>(a[m], p[m][2 * group], p[m][2 * group + 1]);
#pragma unroll
    for (int d = 0; d < D / 16; ++d) {
      uint32_t b[4];
      ldmatrix_x4_trans(b, right + group * 16 * kTileStride<D> + d * 16);
#pragma unroll
      for (int m = 0; m < kRowTiles; ++m) {
        multiply_add<T>(c[m][2 * d], c[m][2 * d + 1], a[m], b);
      }
    }
  }
}

// Stores 16 rows of C fragments times a factor of each row half: through the warp's own 16 rows of shared memory, so
// that what goes out is in chunks of 16 bytes. Lane's rows are row[0] and row[1] of the 16.
template <int D, class T>
__device__ __forceinline__ void store_rows(T* staging, const float (&c)[D / 8][4], const int (&row)[2],
                                           const float (&factor)[2], T* to, int64_t row_stride, int rows, int columns) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  __syncwarp();
#pragma unroll
  for (int n = 0; n < D / 8; ++n) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const uint32_t pair = pack_pair<T>(c[n][2 * half] * factor[half], c[n][2 * half + 1] * factor[half]);
      *reinterpret_cast<uint32_t*>(staging + row[half] * kTileStride<D> + n * 8 + lane % 4 * 2) = pair;
    }
  }
  __syncwarp();
  constexpr int kChunks = D / 8;
  for (int chunk = lane; chunk < 16 * kChunks; chunk += 32) {
    const int at = chunk / kChunks;
    const int column = chunk % kChunks * 8;
    if (at < rows && column < columns) {
      *reinterpret_cast<uint4*>(to + at * row_stride + column) =
          *reinterpret_cast<const uint4*>(staging + at * kTileStride<D> + column);
    }
  }
}

// The sum over eight elements of a b, both aligned to 16 bytes.
template <class T>
__device__ __forceinline__ float dot8(const T* a, const T* b) {
  float x[8], y[8];
  load_floats(x, a);
  load_floats(y, b);
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < 8; ++i) sum = fmaf(x[i], y[i], sum);
  return sum;
}

// What decides which elements are kept.
struct Draws {
  PhiloxKey key;
  uint32_t threshold;

  // Bit w: element + w is kept. Four elements are one block of the generator where element % 4 is 0, else parts of two.
  __device__ uint32_t four(uint64_t element) const {
    const uint32_t bits = of_block(element >> 2);
    const uint32_t shift = static_cast<uint32_t>(element) & 3u;
    if (shift == 0) return bits;
    return (bits | of_block((element >> 2) + 1) << 4) >> shift & 15u;
  }

 private:
  __device__ uint32_t of_block(uint64_t block) const {
    const Philox4 drawn = philox(key, block);
    uint32_t bits = 0;
#pragma unroll
    for (int w = 0; w < 4; ++w) bits |= (drawn.word[w] >= threshold ? 1u : 0u) << w;
    return bits;
  }
};

// Masks for keys as columns: bit 8 * group + 4 * half + 2 * tile + e is for column e of this lane in row g + 8 * half
// of n8 tile `tile`; the elements given are those of the lane's first key in its two rows. Not unrolled: the bits fit
// one register, and the generator's code stands there once.
template <int kGroups>
__device__ __forceinline__ uint32_t keep_columns(const Draws& draws, uint64_t first_row, uint64_t second_row,
                                                 int lane) {
  static_assert(kGroups <= 4);
  uint32_t bits = 0;
#pragma unroll 1
  for (int group = 0; group < kGroups; ++group) {
    const uint32_t first = draws.four(first_row + static_cast<uint64_t>(16 * group));
    const uint32_t second = draws.four(second_row + static_cast<uint64_t>(16 * group));
    bits |= (first | second << 4) << (8 * group);
  }
  // Lanes with q >= 2 have their first two keys in the second tile.
  return (lane & 2) == 0 ? bits : (bits & 0x33333333u) << 2 | (bits >> 2 & 0x33333333u);
}

// Masks for keys as rows: bit 4 * tile + 2 * e + half is for row `half` of this lane and column e of it in n8 tile
// `tile`. A block of the generator is four keys of one query, the keys of this lane and the lane beside it (lane ^ 4):
// each of the two draws for one of the two queries of a tile. element: of the block that this lane draws in tile 0;
// row_elements: from one query to the next.
template <int kTiles>
__device__ __forceinline__ uint32_t keep_rows(const Draws& draws, uint64_t element, uint64_t row_elements, int lane) {
  static_assert(kTiles <= 8);
  uint32_t mine = 0;
#pragma unroll 2
  for (int tile = 0; tile < kTiles; ++tile) mine |= draws.four(element + 8 * tile * row_elements) << (4 * tile);
  const uint32_t other = __shfl_xor_sync(0xffffffffu, mine, 4);
  const bool odd = (lane & 4) != 0;
  const int shift = odd ? 2 : 0;  // keys 2 and 3 of the block
  const uint32_t first = (odd ? other : mine) >> shift & 0x33333333u;
  const uint32_t second = (odd ? mine : other) >> shift & 0x33333333u;
  const uint32_t bits = first | second << 2;
  // Lanes with g >= 4 have their first key in the second half.
  return (lane & 16) == 0 ? bits : (bits & 0x55555555u) << 1 | (bits >> 1 & 0x55555555u);
}

__device__ __forceinline__ bool bit_of(uint32_t bits, int i) { return (bits >> i & 1u) != 0; }

// The score of a key that is not to be seen.
__device__ __forceinline__ float no_score() { return -INFINITY; }

// Takes out the keys that a row does not see; query and key: of the first row and column of the fragments.
template <int kRowTiles, int kGroups>
__device__ __forceinline__ void hide_columns(float (&scores)[kRowTiles][2 * kGroups][4], int query, int time,
                                             bool causal, int key, int lane) {
#pragma unroll
  for (int m = 0; m < kRowTiles; ++m) {
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      // How many of the columns this row sees, counted from this lane's first.
      const int seen = causal ? min(time, query + 16 * m + 8 * half + lane / 4 + 1) : time;
      const int left = seen - key - 4 * (lane % 4);
#pragma unroll
      for (int n = 0; n < 2 * kGroups; ++n) {
        const int column = n / 2 * 16 + 2 * (n % 2 ^ (lane >> 1 & 1));
        if (column >= left) scores[m][n][2 * half] = no_score();
        if (column + 1 >= left) scores[m][n][2 * half + 1] = no_score();
      }
    }
  }
}

// The sum, or the largest, over the four lanes that share a row of a C fragment; all of them get the same bits.
__device__ __forceinline__ float quad_sum(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}
__device__ __forceinline__ float quad_max(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}

// Calls launcher.run<D>() with the tile width that holds heads of this size.
template <class Launcher>
Status for_tile_width(int64_t head_size, const Launcher& launcher) {
  if (head_size <= 32) return launcher.template run<32>();
  if (head_size <= 64) return launcher.template run<64>();
  if (head_size <= 80) return launcher.template run<80>();
  if (head_size <= 96) return launcher.template run<96>();
  return launcher.template run<128>();
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_ATTENTION_FLASH_CUH_
