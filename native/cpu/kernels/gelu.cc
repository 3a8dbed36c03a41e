// Both forms by way of exp_f32. tanh: 0.5 (1 + tanh u) = 1 / (1 + e^-2u). erf: the lower tail of the normal
// distribution is e^(-x^2/2) times a polynomial in 1 / (1 + c|x|), fitted for a relative error of 1e-7 over all x; the
// density, which the derivative needs, is the same exponential.
#include "cpu/kernels/exp.h"
#include "cpu/kernels/level.h"

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

namespace {

#define MR_INLINE static inline __attribute__((always_inline))

constexpr float kTwoRoot = 1.5957691216f;  // 2 sqrt(2 / pi)
constexpr float kCubic = 0.044715f;

struct Tanh {
  MR_INLINE float cdf(float x) { return 1.0f / (1.0f + exp_f32(-kTwoRoot * x * (1.0f + kCubic * x * x))); }
  MR_INLINE float derivative(float x) {
    // Beyond the limit the curve is straight; without it 0 * x^3 would not be a number.
    constexpr float kLimit = 16.0f;
    const float near = x > kLimit ? kLimit : (x < -kLimit ? -kLimit : x);
    const float s = cdf(near);
    return s + near * s * (1.0f - s) * kTwoRoot * (1.0f + 3.0f * kCubic * near * near);
  }
};

struct Erf {
  MR_INLINE float cdf_of(float x, float exponential) {
    const float magnitude = x < 0.0f ? -x : x;
    const float q = 1.0f / (1.0f + 0.28284271f * magnitude);
    float p = 3.61527280e-2f;
    p = p * q - 1.94333820e-1f;
    p = p * q + 3.40734200e-1f;
    p = p * q - 1.91606690e-1f;
    p = p * q + 2.12807370e-1f;
    p = p * q + 6.35538800e-2f;
    p = p * q + 1.20666930e-1f;
    p = p * q + 1.11985650e-1f;
    p = p * q + 3.96816360e-5f;
    const float tail = exponential * p;
    return x < 0.0f ? tail : 1.0f - tail;
  }
  MR_INLINE float cdf(float x) { return cdf_of(x, exp_f32(-0.5f * x * x)); }
  MR_INLINE float derivative(float x) {
    const float exponential = exp_f32(-0.5f * x * x);
    return cdf_of(x, exponential) + x * 0.39894228f * exponential;
  }
};

template <class Form>
MR_INLINE void forward(float* __restrict y, float* __restrict pre, const float* __restrict bias, int64_t n) {
  if (bias != nullptr) {
#pragma omp simd
    for (int64_t i = 0; i < n; ++i) pre[i] += bias[i];
  }
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) y[i] = pre[i] * Form::cdf(pre[i]);
}

template <class Form>
MR_INLINE void backward(float* __restrict d, const float* __restrict pre, int64_t n) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) d[i] *= Form::derivative(pre[i]);
}

}  // namespace

void gelu_tanh(float* y, float* pre, const float* bias, int64_t n) { forward<Tanh>(y, pre, bias, n); }
void gelu_erf(float* y, float* pre, const float* bias, int64_t n) { forward<Erf>(y, pre, bias, n); }
void gelu_tanh_backward(float* d, const float* pre, int64_t n) { backward<Tanh>(d, pre, n); }
void gelu_erf_backward(float* d, const float* pre, int64_t n) { backward<Erf>(d, pre, n); }

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
