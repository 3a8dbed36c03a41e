// The small run of rank_group.h in any precision.
#ifndef MILLRACE_TEST_PRECISION_CONFIG_H_
#define MILLRACE_TEST_PRECISION_CONFIG_H_

#include "rank_group.h"

namespace millrace::testing {

inline std::vector<const OpTable*> tables_of(DType dtype) {
  std::vector<const OpTable*> tables{reference_backend(dtype)};
  if (cpu_backend(dtype) != nullptr) tables.push_back(cpu_backend(dtype));
  return tables;
}

// A scale at which the small model neither overflows nor loses its gradients.
inline constexpr double kGoodScale = 0x1p10;

inline TrainerConfig config_of(DType dtype, double scale = kGoodScale) {
  TrainerConfig config = small_config();
  config.dtype = dtype;
  config.schedule.peak = 3e-3;
  config.loss_scale.dynamic = dtype == DType::kF16;
  config.loss_scale.initial = scale;
  return config;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_PRECISION_CONFIG_H_
