// LayerNorm, the residual sum with dropout, and plain masks: a row at a time.
#include "cpu/kernels/level.h"

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

void layernorm(float* __restrict y, float* mean, float* rstd, const float* __restrict x, const float* __restrict gamma,
               const float* __restrict beta, int64_t n, float epsilon) {
  float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const float row_mean = sum / static_cast<float>(n);
  // A second pass over the cached row: the difference of two large sums would lose what matters.
  float squares = 0.0f;
#pragma omp simd reduction(+ : squares)
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - row_mean) * (x[i] - row_mean);
  const float row_rstd = 1.0f / __builtin_sqrtf(squares / static_cast<float>(n) + epsilon);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - row_mean) * row_rstd * gamma[i] + beta[i];
  *mean = row_mean;
  *rstd = row_rstd;
}

void layernorm_backward(float* __restrict dx, float* __restrict dgamma, float* __restrict dbeta,
                        const float* __restrict dy, const float* __restrict x, const float* __restrict gamma, int64_t n,
                        float mean, float rstd) {
  float sum_g = 0.0f;
  float sum_g_xhat = 0.0f;
#pragma omp simd reduction(+ : sum_g, sum_g_xhat)
  for (int64_t i = 0; i < n; ++i) {
    const float xhat = (x[i] - mean) * rstd;
    const float g = dy[i] * gamma[i];
    sum_g += g;
    sum_g_xhat += g * xhat;
  }
  const float mean_g = sum_g / static_cast<float>(n);
  const float mean_g_xhat = sum_g_xhat / static_cast<float>(n);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float xhat = (x[i] - mean) * rstd;
    dx[i] += rstd * (dy[i] * gamma[i] - mean_g - xhat * mean_g_xhat);
    dgamma[i] += dy[i] * xhat;
    dbeta[i] += dy[i];
  }
}

void residual(float* __restrict r, const float* __restrict residual, const float* __restrict x,
              const float* __restrict bias, const float* __restrict factor, int64_t n) {
  if (bias == nullptr && factor == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) r[i] = residual[i] + x[i];
  } else if (factor == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) r[i] = residual[i] + (x[i] + bias[i]);
  } else if (bias == nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) r[i] = residual[i] + factor[i] * x[i];
  } else {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) r[i] = residual[i] + factor[i] * (x[i] + bias[i]);
  }
}

void mask(float* y, const float* x, const float* factor, int64_t n) {
  if (factor == nullptr) {
    if (y != x) __builtin_memcpy(y, x, static_cast<__SIZE_TYPE__>(n) * sizeof(float));
    return;
  }
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * factor[i];
}

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
