// exp as arithmetic that a compiler vectorises: no branch, no table.
#ifndef MILLRACE_CPU_KERNELS_EXP_H_
#define MILLRACE_CPU_KERNELS_EXP_H_

#include <cstdint>

namespace millrace::cpu {

// e^x within 2 ulp; infinite above 88, 0 where the result would not be a normal number, not-a-number stays.
//
// x = n ln 2 + r with |r| <= ln 2 / 2. Adding 1.5 * 2^23 rounds to an integer and leaves it in the low bits. ln 2 is
// split so that n * kLn2High is exact. e^r = 1 + r + r^2 p(r), p fitted for the least relative error (3e-9).
static inline __attribute__((always_inline)) float exp_f32(float x) {
  constexpr float kLog2E = 1.44269504f;
  constexpr float kLn2High = 0.693359375f;
  constexpr float kLn2Low = -2.12194440e-4f;
  constexpr float kRound = 12582912.0f;
  constexpr float kSmallest = -87.3365f;
  constexpr float kLargest = 88.0f;
  const float limited = x > kLargest ? kLargest : (x < kSmallest ? kSmallest : x);
  const float shifted = limited * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = (limited - n * kLn2High) - n * kLn2Low;
  float p = 1.38145988e-3f;
  p = p * r + 8.36871658e-3f;
  p = p * r + 4.16683890e-2f;
  p = p * r + 1.66665211e-1f;
  p = p * r + 4.99999940e-1f;
  const float e = p * (r * r) + r + 1.0f;
  const int32_t exponent = (__builtin_bit_cast(int32_t, shifted) - __builtin_bit_cast(int32_t, kRound) + 127) << 23;
  const float result = e * __builtin_bit_cast(float, exponent);
  return x < kSmallest ? 0.0f : (x > kLargest ? __builtin_inff() : result);
}

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_KERNELS_EXP_H_
