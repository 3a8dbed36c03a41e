// Products of bf16 pairs with sums in f32 (AVX512-BF16): an instruction multiplies 16 pairs of neighbours in the inner
// dimension and adds both products to 16 sums. Operands are packed so that it reads them in order:
//
//   a: panels of kRows rows,    [pair][row]       b: panels of kColumns columns,    [pair][column]
//
// with a pair in 32 bits, the even inner index in the lower half. What is past an edge is zero. The sums of an element
// have one order whatever its place in a panel.
#include "cpu/kernels/level.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

#if defined(__AVX512F__)

namespace {

constexpr int kRows = kBf16Rows;
constexpr int kColumns = kBf16Columns;
constexpr int kVectors = kColumns / 16;

// Panels of `width` (at most 32) of a matrix whose inner dimension is contiguous: `from` has a line an outer index.
void pack_lines(uint32_t* __restrict to, int width, const uint16_t* __restrict from, int64_t stride, int64_t count,
                int64_t depth) {
  const int64_t whole = depth / 2;
  const __m512i lines = _mm512_mullo_epi32(_mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
                                           _mm512_set1_epi32(static_cast<int>(stride)));
  for (int64_t p = 0; p < whole; ++p) {
    for (int64_t i = 0; i < width; i += 16) {
      const int64_t wanted = width - i < 16 ? width - i : 16;
      const int64_t there = count - i < wanted ? count - i : wanted;
      const __mmask16 reads = static_cast<__mmask16>(there <= 0 ? 0 : (1u << there) - 1);
      const __mmask16 writes = static_cast<__mmask16>((1u << wanted) - 1);
      // Lines are 2 bytes an element apart.
      const __m512i pairs =
          _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), reads, lines, from + i * stride + 2 * p, 2);
      _mm512_mask_storeu_epi32(to + p * width + i, writes, pairs);
    }
  }
  if (depth % 2 == 0) return;
  for (int64_t i = 0; i < width; ++i) to[whole * width + i] = i < count ? from[i * stride + depth - 1] : 0u;
}

// Panels of a matrix whose outer dimension is contiguous: `from` has a line an inner index.
void pack_across(uint32_t* __restrict to, int width, const uint16_t* __restrict from, int64_t stride, int64_t count,
                 int64_t depth) {
  for (int64_t p = 0; 2 * p < depth; ++p) {
    const uint16_t* even = from + 2 * p * stride;
    const uint16_t* odd = even + stride;
    const bool both = 2 * p + 1 < depth;
    const int64_t there = count < width ? count : width;
    if (both) {
#pragma omp simd
      for (int64_t i = 0; i < there; ++i) to[p * width + i] = even[i] | static_cast<uint32_t>(odd[i]) << 16;
    } else {
      for (int64_t i = 0; i < there; ++i) to[p * width + i] = even[i];
    }
    for (int64_t i = there; i < width; ++i) to[p * width + i] = 0;
  }
}

// c(rows, columns) = or += the product of two panels.
__attribute__((target("avx512bf16"))) void multiply_panels(float* __restrict c, int64_t ldc, int64_t rows,
                                                           int64_t columns, const uint32_t* __restrict a,
                                                           const uint32_t* __restrict b, int64_t num_pairs, bool add) {
  __m512 sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  for (int64_t p = 0; p < num_pairs; ++p) {
    __m512bh right[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) right[v] = (__m512bh)_mm512_loadu_si512(b + p * kColumns + 16 * v);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const __m512bh left = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[p * kRows + r]));
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], left, right[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    if (r >= rows) break;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      const int64_t left = columns - 16 * v;
      const __mmask16 mask = static_cast<__mmask16>(left >= 16 ? 0xffffu : (left <= 0 ? 0u : (1u << left) - 1));
      float* to = c + r * ldc + 16 * v;
      const __m512 before = add ? _mm512_maskz_loadu_ps(mask, to) : _mm512_setzero_ps();
      _mm512_mask_storeu_ps(to, mask, _mm512_add_ps(before, sum[r][v]));
    }
  }
}

void pack(uint32_t* to, int width, const Bf16Operand& from, int64_t depth) {
  const int64_t panel = (depth + 1) / 2 * width;
  for (int64_t begin = 0; begin < from.count; begin += width, to += panel) {
    const int64_t count = from.count - begin;
    if (from.inner_contiguous) {
      pack_lines(to, width, from.data + begin * from.stride, from.stride, count, depth);
    } else {
      pack_across(to, width, from.data + begin, from.stride, count, depth);
    }
  }
}

}  // namespace

void bf16_product(float* c, const Bf16Operand& a, const Bf16Operand& b, int64_t depth, bool add, uint32_t* space) {
  const int64_t num_pairs = (depth + 1) / 2;
  uint32_t* packed_a = space;
  uint32_t* packed_b = space + (a.count + kRows - 1) / kRows * kRows * num_pairs;
  pack(packed_a, kRows, a, depth);
  pack(packed_b, kColumns, b, depth);
  for (int64_t column = 0; column < b.count; column += kColumns) {
    for (int64_t row = 0; row < a.count; row += kRows) {
      multiply_panels(c + row * b.count + column, b.count, a.count - row, b.count - column, packed_a + row * num_pairs,
                      packed_b + column * num_pairs, num_pairs, add);
    }
  }
}

#endif

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
