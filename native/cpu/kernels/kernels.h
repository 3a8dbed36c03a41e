// The inner loops of the CPU backend: single-threaded, over rows or contiguous ranges, no argument checks. The sources
// of this folder are compiled once for each SIMD level (see native/CMakeLists.txt) and kernels() chooses at run time.
#ifndef MILLRACE_CPU_KERNELS_KERNELS_H_
#define MILLRACE_CPU_KERNELS_KERNELS_H_

#include <cstdint>

namespace millrace::cpu {

// What the dropout of a range needs, without the headers that define it: sources of this folder share no inline
// function with the rest, or the linker could keep the copy compiled for a newer processor.
struct MaskKey {
  uint32_t seed[2];
  uint32_t step;
  uint32_t stream;     // layer << 8 | site
  uint32_t threshold;  // words below it drop their element
  float scale;         // factor of the kept
};

struct AdamWFactors {
  float beta1, beta2, one_minus_beta1, one_minus_beta2;
  float step_size;     // lr / (1 - beta1^step)
  float inverse_root;  // 1 / sqrt(1 - beta2^step)
  float epsilon;
  float decay;  // lr * weight_decay; 1 - decay would lose most of it to rounding
  float grad_scale;
};

// Part of a bf16 matrix: `count` rows of a left or columns of a right operand. inner_contiguous: neighbours in the
// inner dimension are neighbours in memory, and rows or columns `stride` elements apart; else the other way round.
struct Bf16Operand {
  const uint16_t* data;
  int64_t stride;
  int64_t count;
  bool inner_contiguous;
};
constexpr int kBf16Rows = 14;
constexpr int kBf16Columns = 32;

struct Kernels {
  const char* name;

  // factor[i] = 0 or key.scale for the elements begin + i.
  void (*dropout_factors)(float* factor, int64_t n, const MaskKey& key, uint64_t begin);

  // x += bias; pre += bias (may be null), y = gelu(pre); d *= gelu'(pre).
  void (*add)(float* x, const float* bias, int64_t n);
  void (*gelu_tanh)(float* y, float* pre, const float* bias, int64_t n);
  void (*gelu_erf)(float* y, float* pre, const float* bias, int64_t n);
  void (*gelu_tanh_backward)(float* d, const float* pre, int64_t n);
  void (*gelu_erf_backward)(float* d, const float* pre, int64_t n);

  void (*layernorm)(float* y, float* mean, float* rstd, const float* x, const float* gamma, const float* beta,
                    int64_t n, float epsilon);
  // dx +=; dgamma, dbeta +=.
  void (*layernorm_backward)(float* dx, float* dgamma, float* dbeta, const float* dy, const float* x,
                             const float* gamma, int64_t n, float mean, float rstd);
  // r = residual + factor * (x + bias); factor and bias may be null.
  void (*residual)(float* r, const float* residual, const float* x, const float* bias, const float* factor, int64_t n);
  // y = x * factor; factor may be null.
  void (*mask)(float* y, const float* x, const float* factor, int64_t n);

  float (*maximum)(const float* x, int64_t n);
  float (*sum_exp)(const float* x, int64_t n, float maximum);
  // x = exp(x - maximum) * factor.
  void (*softmax_scaled)(float* x, int64_t n, float maximum, float factor);
  // x = exp(x * scale - maximum); returns the sum.
  float (*exp_sum)(float* x, int64_t n, float scale, float maximum);
  // p: scores, becomes probability * factor; dp: gradient of the masked probability, becomes
  // probability * (dp * factor - inner) * scale. factor may be null.
  void (*attention_backward)(float* p, float* dp, const float* factor, int64_t n, float scale, float lse, float inner);

  float (*dot)(const float* a, const float* b, int64_t n);
  double (*sum_squares)(const float* x, int64_t n);
  // x = the larger of both; not a number where either is not.
  void (*take_larger)(float* x, const float* other, int64_t n);
  void (*scale)(float* x, float value, int64_t n);
  void (*adamw)(float* param, float* m, float* v, const float* grad, int64_t n, const AdamWFactors&);

  // f32 from the bits of a 16-bit format, and back to nearest, ties to even.
  void (*widen_bf16)(float* to, const uint16_t* from, int64_t n);
  void (*narrow_bf16)(uint16_t* to, const float* from, int64_t n);
  void (*widen_f16)(float* to, const uint16_t* from, int64_t n);
  void (*narrow_f16)(uint16_t* to, const float* from, int64_t n);

  // c(a.count, b.count) = or += a b over `depth` of the inner dimension, sums in f32. space: (depth + 1) / 2 words for
  // each row and column, these rounded up to kBf16Rows and kBf16Columns. Null where the level has no such instruction;
  // to be called only where bf16_products() says so.
  void (*bf16_product)(float* c, const Bf16Operand& a, const Bf16Operand& b, int64_t depth, bool add, uint32_t* space);
};

// The widest level this machine runs.
const Kernels& kernels();
// Whether this machine runs kernels().bf16_product.
bool bf16_products();
// Level i of those this build holds, widest first; null past the last, and for one that this machine cannot run.
constexpr int kMaxLevels = 3;
const Kernels* kernels_at(int level);

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_KERNELS_KERNELS_H_
