// Which vector instructions the text kernels use: chosen at run time, never visible in a result.
#ifndef MILLRACE_TEXT_SIMD_LEVEL_H_
#define MILLRACE_TEXT_SIMD_LEVEL_H_

namespace millrace {

// kScalar: what every x86-64-v2 and ARM64 processor has. kAvx512: F, BW, DQ and VL, as Skylake-X and Zen 4 have them.
enum class SimdLevel { kScalar, kAvx2, kAvx512 };

// The fastest level this processor has.
SimdLevel best_simd_level();
bool has_simd_level(SimdLevel level);

}  // namespace millrace

#endif  // MILLRACE_TEXT_SIMD_LEVEL_H_
