// Chooses the widest level of cpu/kernels/ that this processor runs.
#include "cpu/kernels/kernels.h"

namespace millrace::cpu {

#if defined(__x86_64__)
namespace x86_64_v4 {
extern const Kernels table;
}
namespace x86_64_v3 {
extern const Kernels table;
}
namespace x86_64_v2 {
extern const Kernels table;
}
#else
namespace baseline {
extern const Kernels table;
}
#endif

const Kernels* kernels_at(int level) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
                  __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (level == 0) return v4 ? &x86_64_v4::table : nullptr;
  if (level == 1) return v3 ? &x86_64_v3::table : nullptr;
  return level == 2 ? &x86_64_v2::table : nullptr;
#else
  return level == 0 ? &baseline::table : nullptr;
#endif
}

const Kernels& kernels() {
  static const Kernels& chosen = []() -> const Kernels& {
    int level = 0;
    while (kernels_at(level) == nullptr) ++level;
    return *kernels_at(level);
  }();
  return chosen;
}

bool bf16_products() {
#if defined(__x86_64__)
  static const bool supported = kernels().bf16_product != nullptr && __builtin_cpu_supports("avx512bf16");
  return supported;
#else
  return false;
#endif
}

}  // namespace millrace::cpu
