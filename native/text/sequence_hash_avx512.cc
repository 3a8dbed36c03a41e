// Sums and runs on 8 lanes of 64 bits; called only where has_simd_level(kAvx512).
#include "text/sequence_hash_kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define MR_AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl")))

namespace millrace {
namespace {

// Masked forms with all lanes set: g++ 12 warns about the plain forms' own header (PR 105593).
MR_AVX512 inline __m512i shift_right(__m512i x, unsigned bits) { return _mm512_maskz_srli_epi64(0xff, x, bits); }

MR_AVX512 inline __m512i mix(__m512i x, __m512i c, __m512i d) {
  x = _mm512_xor_si512(x, shift_right(x, 32));
  x = _mm512_mullo_epi64(x, c);
  x = _mm512_xor_si512(x, shift_right(x, 29));
  x = _mm512_mullo_epi64(x, d);
  return _mm512_xor_si512(x, shift_right(x, 32));
}

MR_AVX512 inline __m512i constant(uint64_t x) { return _mm512_set1_epi64(static_cast<long long>(x)); }

}  // namespace

MR_AVX512 uint64_t mixed_sum_avx512(const uint8_t* words, size_t count, uint64_t first, uint64_t step) {
  const __m512i c = constant(kMixC);
  const __m512i d = constant(kMixD);
  const __m512i places = _mm512_add_epi64(constant(first + 1), _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0));
  __m512i offset = _mm512_mullo_epi64(places, constant(step));
  const __m512i stride = constant(8 * step);
  __m512i sum = _mm512_setzero_si512();
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    const __m512i x = _mm512_loadu_si512(words + 8 * i);
    sum = _mm512_add_epi64(sum, mix(_mm512_add_epi64(x, offset), c, d));
    offset = _mm512_add_epi64(offset, stride);
  }
  if (i < count) {
    const auto lanes = static_cast<__mmask8>((1u << (count - i)) - 1);
    const __m512i x = _mm512_maskz_loadu_epi64(lanes, words + 8 * i);
    sum = _mm512_mask_add_epi64(sum, lanes, sum, mix(_mm512_add_epi64(x, offset), c, d));
  }
  alignas(64) uint64_t lanes[8];
  _mm512_store_si512(lanes, sum);
  uint64_t total = 0;
  for (const uint64_t lane : lanes) total += lane;
  return total;
}

MR_AVX512 void hash_runs_avx512(const uint64_t* units, size_t count, size_t size, uint64_t* out) {
  const __m512i c = constant(kMixC);
  const __m512i d = constant(kMixD);
  const __m512i base = constant(kMixA);
  const __m512i length = constant(size * kMixB);
  const size_t runs = count - size + 1;
  for (size_t i = 0; i < runs; i += 8) {
    const size_t left = runs - i;
    const auto lanes = static_cast<__mmask8>(left >= 8 ? 0xff : (1u << left) - 1);
    __m512i sum = _mm512_setzero_si512();
    for (size_t j = 0; j < size; ++j) {
      const __m512i unit = _mm512_maskz_loadu_epi64(lanes, units + i + j);
      sum = _mm512_add_epi64(_mm512_mullo_epi64(sum, base), unit);
    }
    _mm512_mask_storeu_epi64(out + i, lanes, mix(_mm512_add_epi64(sum, length), c, d));
  }
}

}  // namespace millrace

#endif
