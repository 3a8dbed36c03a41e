// Classification of two times 32 bytes; called only where has_simd_level(kAvx2).
#include "text/byte_classes.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define MR_AVX2 __attribute__((target("avx2")))

namespace millrace {
namespace {

// 0xff where a byte lies in [low, low + count).
MR_AVX2 inline __m256i in_range(__m256i bytes, char low, int count) {
  const __m256i moved = _mm256_add_epi8(bytes, _mm256_set1_epi8(static_cast<char>(-128 - low)));
  return _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(-128 + count)), moved);
}

MR_AVX2 inline uint64_t mask_of(__m256i bytes) { return static_cast<uint32_t>(_mm256_movemask_epi8(bytes)); }

}  // namespace

MR_AVX2 void classify_bytes_avx2(const uint8_t* text, size_t num_blocks, ByteClasses* out) {
  for (size_t block = 0; block < num_blocks; ++block, text += 64) {
    ByteClasses classes{};
    for (int part = 0; part < 2; ++part) {
      const int shift = 32 * part;
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text) + part);
      const __m256i spaces = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(' '));
      // Setting the case bit maps no other byte into a..z but the capitals.
      classes.letters |= mask_of(in_range(_mm256_or_si256(bytes, _mm256_set1_epi8(0x20)), 'a', 26)) << shift;
      classes.numbers |= mask_of(in_range(bytes, '0', 10)) << shift;
      classes.white |= mask_of(_mm256_or_si256(in_range(bytes, '\t', 5), spaces)) << shift;
      classes.spaces |= mask_of(spaces) << shift;
      classes.apostrophes |= mask_of(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\''))) << shift;
      classes.wide |= mask_of(bytes) << shift;
    }
    out[block] = classes;
  }
}

}  // namespace millrace

#endif
