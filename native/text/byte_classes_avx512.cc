// Classification of 64 bytes at once; called only where has_simd_level(kAvx512).
#include "text/byte_classes.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define MR_AVX512 __attribute__((target("avx512f,avx512bw")))

namespace millrace {
namespace {

// Which of 64 bytes lie in [low, low + count).
MR_AVX512 inline uint64_t in_range(__m512i bytes, char low, char count) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(bytes, _mm512_set1_epi8(low)), _mm512_set1_epi8(count));
}

}  // namespace

MR_AVX512 void classify_bytes_avx512(const uint8_t* text, size_t num_blocks, ByteClasses* out) {
  for (size_t block = 0; block < num_blocks; ++block, text += 64) {
    const __m512i bytes = _mm512_loadu_si512(text);
    const uint64_t spaces = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(' '));
    // Setting the case bit maps no other byte into a..z but the capitals.
    const __m512i lower = _mm512_or_si512(bytes, _mm512_set1_epi8(0x20));
    out[block] = {in_range(lower, 'a', 26),
                  in_range(bytes, '0', 10),
                  in_range(bytes, '\t', 5) | spaces,
                  spaces,
                  _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('\'')),
                  _mm512_movepi8_mask(bytes)};
  }
}

}  // namespace millrace

#endif
