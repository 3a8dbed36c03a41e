// Search and sort of sketch candidates on 16 lanes; called only where has_simd_level(kAvx512).
#include "text/sketch.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <bit>

#define MR_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,popcnt")))

namespace millrace {

MR_AVX512 void search_sketch_avx512(const uint64_t* shingles, size_t count, uint32_t limit, size_t enough,
                                    SketchSearch& search) {
  const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
  const __m512i most = _mm512_set1_epi32(static_cast<int>(limit));
  size_t next = search.next;
  size_t num_found = search.num_found;
  for (; next + 16 <= count && num_found < enough; next += 16) {
    const __m512i first = _mm512_loadu_si512(shingles + next);
    const __m512i values = _mm512_permutex2var_epi32(first, odd, _mm512_loadu_si512(shingles + next + 8));
    const __mmask16 chosen = _mm512_cmple_epu32_mask(values, most);
    if (chosen == 0) continue;
    _mm512_storeu_si512(search.found + num_found, _mm512_maskz_compress_epi32(chosen, values));
    num_found += static_cast<size_t>(std::popcount(chosen));
  }
  search.next = next;
  search.num_found = num_found;
}

// Each value goes where as many values are before it: less ones, and equal ones that stood before.
MR_AVX512 void sort_sketch_avx512(uint32_t* values, size_t count) {
  const auto present = static_cast<uint32_t>((uint64_t{1} << count) - 1);
  const __m512i low = _mm512_maskz_loadu_epi32(static_cast<__mmask16>(present), values);
  const __m512i high = _mm512_maskz_loadu_epi32(static_cast<__mmask16>(present >> 16), values + 16);
  uint32_t sorted[32];
  for (size_t i = 0; i < count; ++i) {
    const __m512i value = _mm512_set1_epi32(static_cast<int>(values[i]));
    const uint32_t less = static_cast<uint32_t>(_mm512_cmplt_epu32_mask(low, value)) |
                          static_cast<uint32_t>(_mm512_cmplt_epu32_mask(high, value)) << 16;
    const uint32_t equal = static_cast<uint32_t>(_mm512_cmpeq_epu32_mask(low, value)) |
                           static_cast<uint32_t>(_mm512_cmpeq_epu32_mask(high, value)) << 16;
    const uint32_t before = (uint32_t{1} << i) - 1;
    sorted[std::popcount(present & (less | (equal & before)))] = values[i];
  }
  for (size_t i = 0; i < count; ++i) values[i] = sorted[i];
}

}  // namespace millrace

#endif
