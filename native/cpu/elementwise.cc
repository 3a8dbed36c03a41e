#include <algorithm>

#include "cpu/cpu_ops.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

Status fill(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_either(DType::kF32, x));
  if (planning(context)) return ok();
  for_ranges(context, x.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    std::fill(x.as<float>() + begin, x.as<float>() + end, static_cast<float>(value));
  });
  return ok();
}

Status add(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(DType::kF32, y, x));
  if (planning(context)) return ok();
  for_ranges(context, x.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    kernels().add(y.as<float>() + begin, x.as<float>() + begin, end - begin);
  });
  return ok();
}

Status maximum(Context& context, Tensor y, Tensor x) {
  MR_RETURN_IF_ERROR(check_either(DType::kF32, y, x));
  if (planning(context)) return ok();
  for_ranges(context, x.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    kernels().take_larger(y.as<float>() + begin, x.as<float>() + begin, end - begin);
  });
  return ok();
}

Status scale(Context& context, Tensor x, double value) {
  MR_RETURN_IF_ERROR(check_either(DType::kF32, x));
  if (planning(context)) return ok();
  for_ranges(context, x.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    kernels().scale(x.as<float>() + begin, static_cast<float>(value), end - begin);
  });
  return ok();
}

}  // namespace millrace::cpu
