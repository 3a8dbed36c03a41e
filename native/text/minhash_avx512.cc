// MinHash on 16 lanes; called only where has_simd_level(kAvx512).
#include "text/minhash.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <iterator>

namespace millrace {

namespace {

// Tables and minima of one tile stay in registers while the shingles stream by: 3 x 10 of 32 registers, so the default
// of 150 permutations is one pass.
constexpr size_t kTileVectors = 10;
constexpr size_t kTileLanes = 16;

template <size_t kVectors>
__attribute__((target("avx512f"))) void tile(const PermutationTable& table, size_t first, const uint64_t* shingles,
                                             size_t count, uint32_t* minima) {
  __m512i multiply[kVectors];
  __m512i add[kVectors];
  __m512i least[kVectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) {
    const size_t at = first + i * kTileLanes;
    multiply[i] = _mm512_loadu_si512(table.multiply + at);
    add[i] = _mm512_loadu_si512(table.add + at);
    least[i] = _mm512_loadu_si512(minima + at);
  }
  // The upper half of a little-endian word, so that it is broadcast straight from memory.
  const auto* halves = reinterpret_cast<const uint32_t*>(shingles);
  for (size_t v = 0; v < count; ++v) {
    const __m512i value = _mm512_set1_epi32(static_cast<int>(halves[2 * v + 1]));
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

using Tile = void (*)(const PermutationTable&, size_t, const uint64_t*, size_t, uint32_t*);
constexpr Tile kTiles[] = {nullptr, tile<1>, tile<2>, tile<3>, tile<4>, tile<5>,
                           tile<6>, tile<7>, tile<8>, tile<9>, tile<10>};
static_assert(std::size(kTiles) == kTileVectors + 1);

}  // namespace

void minhash_avx512(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima) {
  const size_t vectors = table.permutations / kTileLanes;
  const size_t passes = (vectors + kTileVectors - 1) / kTileVectors;
  size_t first = 0;
  for (size_t pass = 0; pass < passes; ++pass) {
    const size_t last = vectors * (pass + 1) / passes;
    kTiles[last - first](table, first * kTileLanes, shingles, count, minima);
    first = last;
  }
}

}  // namespace millrace

#endif
