// The 16-bit formats to f32 and back, to nearest with ties to even; core/half.h says the same for one value. bfloat16
// is the upper half of an f32, so integers do; binary16 has instructions from x86-64-v3 on.
#include "cpu/kernels/level.h"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

namespace {

#define MR_INLINE static inline __attribute__((always_inline))

MR_INLINE float from_f16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  const uint32_t finite = __builtin_bit_cast(uint32_t, __builtin_bit_cast(float, magnitude) * 0x1p112f);
  const uint32_t other = 0x7f800000u | (magnitude & 0x7fffffu);
  return __builtin_bit_cast(float, sign | (magnitude >= 0x7c00u << 13 ? other : finite));
}

MR_INLINE uint16_t to_f16(float value) {
  const uint32_t bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t magnitude = bits & 0x7fffffffu;
  const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
  const uint32_t tiny = __builtin_bit_cast(uint32_t, __builtin_bit_cast(float, magnitude) + 0.5f) - 0x3f000000u;
  const uint32_t other = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const uint32_t result = magnitude >= 0x47800000u ? other : (magnitude < 0x38800000u ? tiny : normal);
  return static_cast<uint16_t>((bits >> 16 & 0x8000u) | result);
}

}  // namespace

void widen_bf16(float* __restrict to, const uint16_t* __restrict from, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) to[i] = __builtin_bit_cast(float, static_cast<uint32_t>(from[i]) << 16);
}

void narrow_bf16(uint16_t* __restrict to, const float* __restrict from, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, from[i]);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    const uint32_t quiet = bits >> 16 | 0x40u;
    to[i] = static_cast<uint16_t>((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
  }
}

void widen_f16(float* __restrict to, const uint16_t* __restrict from, int64_t n) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(bits));
  }
#endif
  for (; i < n; ++i) to[i] = from_f16(from[i]);
}

void narrow_f16(uint16_t* __restrict to, const float* __restrict from, int64_t n) {
  int64_t i = 0;
#if defined(__F16C__)
  for (; i + 8 <= n; i += 8) {
    const __m128i bits = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), bits);
  }
#endif
  for (; i < n; ++i) to[i] = to_f16(from[i]);
}

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
