// Folding and edges on 64 bytes; called only where has_simd_level(kAvx512).
#include "text/words_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <bit>

#define MR_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,bmi,bmi2,popcnt")))

namespace millrace {
namespace {

// Which of 64 bytes lie in [low, low + count).
MR_AVX512 inline uint64_t in_range(__m512i bytes, char low, char count) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(low)), _mm512_set1_epi8(count));
}

// Writes offset + i for each set bit i; stores 16 elements at a time, so up to 16 too many.
MR_AVX512 inline uint32_t* put_places(uint64_t bits, uint32_t offset, uint32_t* out) {
  const __m512i step = _mm512_set1_epi32(16);
  __m512i places = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(offset)),
                                    _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
  for (int part = 0; part < 4; ++part) {
    const auto lanes = static_cast<__mmask16>(bits >> (16 * part));
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(lanes, places));
    out += std::popcount(lanes);
    places = _mm512_add_epi32(places, step);
  }
  return out;
}

}  // namespace

MR_AVX512 size_t fold_ascii_avx512(AsciiRun& run) {
  uint64_t open = run.num_edges & 1;
  uint32_t* edges_out = run.edges + run.num_edges;
  size_t position = 0;
  while (position < run.length) {
    const size_t left = run.length - position;
    const __mmask64 present = left >= 64 ? ~uint64_t{0} : (uint64_t{1} << left) - 1;
    const __m512i bytes = _mm512_maskz_loadu_epi8(present, run.text + position);
    const uint64_t high = _mm512_movepi8_mask(bytes);
    const uint64_t upper = in_range(bytes, 'A', 26);
    const __m512i lower = _mm512_mask_add_epi8(bytes, upper, bytes, _mm512_set1_epi8(0x20));
    _mm512_storeu_si512(run.out + position, lower);
    const uint64_t word = in_range(lower, 'a', 26) | in_range(bytes, '0', 10);
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
