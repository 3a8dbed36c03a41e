// MinHash on 8 lanes; called only where has_simd_level(kAvx2).
#include "text/minhash.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace millrace {

namespace {

// Tables and minima of one tile stay in registers while the shingles stream by: 3 x 4 of 16 registers.
constexpr size_t kTileVectors = 4;
constexpr size_t kTileLanes = 8;

template <size_t kVectors>
__attribute__((target("avx2"))) void tile(const PermutationTable& table, size_t first, const uint64_t* shingles,
                                          size_t count, uint32_t* minima) {
  __m256i multiply[kVectors];
  __m256i add[kVectors];
  __m256i least[kVectors];
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) {
    const size_t at = first + i * kTileLanes;
    multiply[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table.multiply + at));
    add[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table.add + at));
    least[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(minima + at));
  }
  // The upper half of a little-endian word, so that it is broadcast straight from memory.
  const auto* halves = reinterpret_cast<const uint32_t*>(shingles);
  for (size_t v = 0; v < count; ++v) {
    const __m256i value = _mm256_set1_epi32(static_cast<int>(halves[2 * v + 1]));
#pragma GCC unroll 16
    for (size_t i = 0; i < kVectors; ++i) {
      const __m256i image = _mm256_add_epi32(_mm256_mullo_epi32(value, multiply[i]), add[i]);
      least[i] = _mm256_min_epu32(least[i], image);
    }
  }
#pragma GCC unroll 16
  for (size_t i = 0; i < kVectors; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(minima + first + i * kTileLanes), least[i]);
  }
}

}  // namespace

void minhash_avx2(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima) {
  constexpr size_t kTile = kTileVectors * kTileLanes;
  size_t first = 0;
  for (; first + kTile <= table.permutations; first += kTile) tile<kTileVectors>(table, first, shingles, count, minima);
  for (; first < table.permutations; first += MinHasher::kLanes) tile<2>(table, first, shingles, count, minima);
}

}  // namespace millrace

#endif
