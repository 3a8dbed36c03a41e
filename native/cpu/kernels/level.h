// The level a kernel source is compiled for: MILLRACE_SIMD_LEVEL names its namespace. Everything in these sources lives
// in that namespace with internal linkage, but for the functions of the level's table declared here.
#ifndef MILLRACE_CPU_KERNELS_LEVEL_H_
#define MILLRACE_CPU_KERNELS_LEVEL_H_

#include "cpu/kernels/kernels.h"

#ifndef MILLRACE_SIMD_LEVEL
#error "expected MILLRACE_SIMD_LEVEL from the build"
#endif

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

void dropout_factors(float* factor, int64_t n, const MaskKey& key, uint64_t begin);
void add(float* x, const float* bias, int64_t n);
void gelu_tanh(float* y, float* pre, const float* bias, int64_t n);
void gelu_erf(float* y, float* pre, const float* bias, int64_t n);
void gelu_tanh_backward(float* d, const float* pre, int64_t n);
void gelu_erf_backward(float* d, const float* pre, int64_t n);
void layernorm(float* y, float* mean, float* rstd, const float* x, const float* gamma, const float* beta, int64_t n,
               float epsilon);
void layernorm_backward(float* dx, float* dgamma, float* dbeta, const float* dy, const float* x, const float* gamma,
                        int64_t n, float mean, float rstd);
void residual(float* r, const float* residual, const float* x, const float* bias, const float* factor, int64_t n);
void mask(float* y, const float* x, const float* factor, int64_t n);
float maximum(const float* x, int64_t n);
float sum_exp(const float* x, int64_t n, float maximum);
void softmax_scaled(float* x, int64_t n, float maximum, float factor);
float exp_sum(float* x, int64_t n, float scale, float maximum);
void attention_backward(float* p, float* dp, const float* factor, int64_t n, float scale, float lse, float inner);
float dot(const float* a, const float* b, int64_t n);
double sum_squares(const float* x, int64_t n);
void take_larger(float* x, const float* other, int64_t n);
void scale(float* x, float value, int64_t n);
void adamw(float* param, float* m, float* v, const float* grad, int64_t n, const AdamWFactors&);
void widen_bf16(float* to, const uint16_t* from, int64_t n);
void narrow_bf16(uint16_t* to, const float* from, int64_t n);
void widen_f16(float* to, const uint16_t* from, int64_t n);
void narrow_f16(uint16_t* to, const float* from, int64_t n);
#if defined(__AVX512F__)
void bf16_product(float* c, const Bf16Operand& a, const Bf16Operand& b, int64_t depth, bool add, uint32_t* space);
#else
constexpr decltype(Kernels::bf16_product) bf16_product = nullptr;
#endif

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL

#endif  // MILLRACE_CPU_KERNELS_LEVEL_H_
