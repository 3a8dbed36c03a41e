// Folding and edges on two times 32 bytes; called only where has_simd_level(kAvx2).
#include "text/words_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#define MR_AVX2 __attribute__((target("avx2,bmi,bmi2,popcnt")))

namespace millrace {
namespace {

// 0xff where a byte lies in [low, low + count).
MR_AVX2 inline __m256i in_range(__m256i bytes, char low, int count) {
  const __m256i moved = _mm256_add_epi8(bytes, _mm256_set1_epi8(static_cast<char>(-128 - low)));
  return _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(-128 + count)), moved);
}

MR_AVX2 inline uint64_t mask_of(__m256i bytes) { return static_cast<uint32_t>(_mm256_movemask_epi8(bytes)); }

// Writes offset + i for each set bit i, eight at a time without a branch in between, so up to seven too many.
MR_AVX2 inline uint32_t* put_places(uint64_t bits, uint32_t offset, uint32_t* out) {
  uint32_t* const end = out + std::popcount(bits);
  while (bits != 0) {
    for (int i = 0; i < 8; ++i) {
      out[i] = offset + static_cast<uint32_t>(_tzcnt_u64(bits));
      bits = _blsr_u64(bits);
    }
    out += 8;
  }
  return end;
}

}  // namespace

MR_AVX2 size_t fold_ascii_avx2(AsciiRun& run) {
  uint64_t open = run.num_edges & 1;
  uint32_t* edges_out = run.edges + run.num_edges;
  size_t position = 0;
  while (position < run.length) {
    uint8_t last[64];
    const uint8_t* text = run.text + position;
    const size_t left = run.length - position;
    if (left < 64) {
      std::memset(last, 0, sizeof last);
      text = static_cast<const uint8_t*>(std::memcpy(last, text, left));
    }
    uint64_t high = 0;
    uint64_t word = 0;
    for (int part = 0; part < 2; ++part) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text) + part);
      const __m256i upper = _mm256_and_si256(in_range(bytes, 'A', 26), _mm256_set1_epi8(0x20));
      const __m256i lower = _mm256_or_si256(bytes, upper);
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(run.out + position) + part, lower);
      high |= mask_of(bytes) << (32 * part);
      word |= mask_of(_mm256_or_si256(in_range(lower, 'a', 26), in_range(bytes, '0', 10))) << (32 * part);
    }
    uint64_t edges = word ^ (word << 1 | open);
    size_t limit = std::min<size_t>(left, 64);
    if (high != 0) limit = std::min<size_t>(limit, static_cast<size_t>(std::countr_zero(high)));
    if (limit < 64) edges = _bzhi_u64(edges, static_cast<unsigned>(limit));
    edges_out = put_places(edges, run.offset + static_cast<uint32_t>(position), edges_out);
    open ^= static_cast<uint64_t>(std::popcount(edges) & 1);
    position += limit;
    if (high != 0) break;
  }
  run.num_edges = static_cast<size_t>(edges_out - run.edges);
  return position;
}

}  // namespace millrace

#endif
