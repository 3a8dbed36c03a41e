// The passes of softmax, for the cross entropy and for attention.
#include "cpu/kernels/exp.h"
#include "cpu/kernels/level.h"

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

float maximum(const float* __restrict x, int64_t n) {
  float largest = -__builtin_inff();
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

float sum_exp(const float* __restrict x, int64_t n, float maximum) {
  // Blocks keep the error of a sum of 50,000 terms at that of a few hundred.
  constexpr int64_t kBlock = 2048;
  double total = 0.0;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = begin + kBlock < n ? begin + kBlock : n;
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; ++i) sum += exp_f32(x[i] - maximum);
    total += static_cast<double>(sum);
  }
  return static_cast<float>(total);
}

void softmax_scaled(float* __restrict x, int64_t n, float maximum, float factor) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] = exp_f32(x[i] - maximum) * factor;
}

float exp_sum(float* __restrict x, int64_t n, float scale, float maximum) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) {
    const float e = exp_f32(x[i] * scale - maximum);
    x[i] = e;
    sum += e;
  }
  return sum;
}

void attention_backward(float* __restrict p, float* __restrict dp, const float* __restrict factor, int64_t n,
                        float scale, float lse, float inner) {
  if (factor == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) {
      const float probability = exp_f32(p[i] * scale - lse);
      p[i] = probability;
      dp[i] = probability * (dp[i] - inner) * scale;
    }
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float probability = exp_f32(p[i] * scale - lse);
    p[i] = probability * factor[i];
    dp[i] = probability * (dp[i] * factor[i] - inner) * scale;
  }
}

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
