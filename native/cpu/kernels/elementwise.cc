// Sums, products and the optimizer over contiguous ranges.
#include "cpu/kernels/level.h"

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

void add(float* __restrict x, const float* __restrict bias, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] += bias[i];
}

void take_larger(float* __restrict x, const float* __restrict other, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const bool takes = (other[i] > x[i]) | (other[i] != other[i]);
    x[i] = takes ? other[i] : x[i];
  }
}

void scale(float* __restrict x, float value, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) x[i] *= value;
}

float dot(const float* __restrict a, const float* __restrict b, int64_t n) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

double sum_squares(const float* __restrict x, int64_t n) {
  double sum = 0.0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

void adamw(float* __restrict param, float* __restrict m, float* __restrict v, const float* __restrict grad, int64_t n,
           const AdamWFactors& f) {
  const AdamWFactors factors = f;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float g = grad[i] * factors.grad_scale;
    const float m_new = factors.beta1 * m[i] + factors.one_minus_beta1 * g;
    const float v_new = factors.beta2 * v[i] + factors.one_minus_beta2 * g * g;
    m[i] = m_new;
    v[i] = v_new;
    const float denominator = __builtin_sqrtf(v_new) * factors.inverse_root + factors.epsilon;
    param[i] -= factors.step_size * m_new / denominator + factors.decay * param[i];
  }
}

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
