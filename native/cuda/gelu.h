// GELU and its derivative in kernels (Hendrycks and Gimpel, "Gaussian error linear units"): x times the normal
// distribution, exact (kErf) or by its tanh form, written as a logistic function: 0.5 (1 + tanh u) = 1 / (1 + e^-2u).
#ifndef MILLRACE_CUDA_GELU_H_
#define MILLRACE_CUDA_GELU_H_

#include "core/ops.h"
#include "cuda/numbers.h"

namespace millrace::cuda {

template <Gelu kKind>
struct GeluForm;

template <>
struct GeluForm<Gelu::kTanh> {
  static constexpr float kTwoRoot = 1.5957691216f;  // 2 sqrt(2 / pi)
  static constexpr float kCubic = 0.044715f;

  __device__ __forceinline__ static float distribution(float x) {
    return 1.0f / (1.0f + expf(-kTwoRoot * x * (1.0f + kCubic * x * x)));
  }
  __device__ __forceinline__ static float derivative(float x) {
    // Beyond the limit the curve is straight; without it 0 * x^3 would not be a number.
    constexpr float kLimit = 16.0f;
    const float near = x > kLimit ? kLimit : (x < -kLimit ? -kLimit : x);
    const float s = distribution(near);
    return s + near * s * (1.0f - s) * kTwoRoot * (1.0f + 3.0f * kCubic * near * near);
  }
};

template <>
struct GeluForm<Gelu::kErf> {
  __device__ __forceinline__ static float distribution(float x) { return 0.5f * erfcf(-0.70710678f * x); }
  __device__ __forceinline__ static float derivative(float x) {
    return distribution(x) + x * 0.39894228f * expf(-0.5f * x * x);
  }
};

template <Gelu kKind>
__device__ __forceinline__ float gelu(float x) {
  return x * GeluForm<kKind>::distribution(x);
}
template <Gelu kKind>
__device__ __forceinline__ float gelu_derivative(float x) {
  return GeluForm<kKind>::derivative(x);
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_GELU_H_
