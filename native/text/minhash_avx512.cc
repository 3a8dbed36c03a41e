// MinHash on 16 lanes; called only where has_simd_level(kAvx512).
#include "text/minhash.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace millrace {

namespace {

// Tables and minima of one tile stay in registers while the values stream by: 3 x 10 of 32 registers, so the default of
// 150 permutations is one pass.
constexpr size_t kTileVectors = 10;
constexpr size_t kTileLanes = 16;

template <size_t kVectors>
__attribute__((target("avx512f"))) void tile(const PermutationTable& table, size_t first, const uint32_t* values,
                                             size_t count, uint32_t* minima) {
  __m512i multiply[kVectors];
  __m512i add[kVectors];
  __m512i least[kVectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) {
    const size_t at = first + i * kTileLanes;
    multiply[i] = _mm512_loadu_si512(table.multiply + at);
    add[i] = _mm512_loadu_si512(table.add + at);
    least[i] = _mm512_set1_epi32(-1);
  }
  for (size_t v = 0; v < count; ++v) {
    const __m512i value = _mm512_set1_epi32(static_cast<int>(values[v]));
#pragma GCC unroll 16
    for (size_t i = 0; i < kVectors; ++i) {
      const __m512i image = _mm512_add_epi32(_mm512_mullo_epi32(value, multiply[i]), add[i]);
      // The form with a mask of ones is the same instruction; g++ 12 warns about the plain form's own header (PR
      // 105593).
      least[i] = _mm512_maskz_min_epu32(0xffff, least[i], image);
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) _mm512_storeu_si512(minima + first + i * kTileLanes, least[i]);
}

}  // namespace

void minhash_avx512(const PermutationTable& table, const uint32_t* values, size_t count, uint32_t* minima) {
  constexpr size_t kTile = kTileVectors * kTileLanes;
  size_t first = 0;
  for (; first + kTile <= table.permutations; first += kTile) tile<kTileVectors>(table, first, values, count, minima);
  for (; first + 4 * kTileLanes <= table.permutations; first += 4 * kTileLanes) {
    tile<4>(table, first, values, count, minima);
  }
  for (; first < table.permutations; first += kTileLanes) tile<1>(table, first, values, count, minima);
}

}  // namespace millrace

#endif
