#include "text/simd_level.h"

namespace millrace {

bool has_simd_level(SimdLevel level) {
#if defined(__x86_64__)
  switch (level) {
    case SimdLevel::kScalar:
      return true;
    case SimdLevel::kAvx2:
      return __builtin_cpu_supports("avx2");
    case SimdLevel::kAvx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
#endif
  return level == SimdLevel::kScalar;
}

SimdLevel best_simd_level() {
  if (has_simd_level(SimdLevel::kAvx512)) return SimdLevel::kAvx512;
  return has_simd_level(SimdLevel::kAvx2) ? SimdLevel::kAvx2 : SimdLevel::kScalar;
}

}  // namespace millrace
