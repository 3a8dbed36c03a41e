#include "cpu/kernels/level.h"

#define MR_TEXT_INNER(x) #x
#define MR_TEXT(x) MR_TEXT_INNER(x)

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

extern const Kernels table;
const Kernels table = {
    MR_TEXT(MILLRACE_SIMD_LEVEL),
    dropout_factors,
    add,
    gelu_tanh,
    gelu_erf,
    gelu_tanh_backward,
    gelu_erf_backward,
    layernorm,
    layernorm_backward,
    residual,
    mask,
    maximum,
    sum_exp,
    softmax_scaled,
    exp_sum,
    attention_backward,
    dot,
    sum_squares,
    take_larger,
    scale,
    adamw,
    widen_bf16,
    narrow_bf16,
    widen_f16,
    narrow_f16,
    bf16_product,
};

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
