#include <algorithm>

#include "cpu/cpu_ops.h"
#include "cpu/half.h"

namespace millrace::cpu {

Status cast(Context& context, Tensor to, Tensor from) {
  MR_RETURN_IF_ERROR(check_cast(to.dtype == DType::kF32 ? from.dtype : to.dtype, to, from));
  if (planning(context) || to.data == from.data) return ok();
  for_ranges(context, to.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    const int64_t count = end - begin;
    if (from.dtype == DType::kF32) {
      narrow_range(to, from.as<float>() + begin, begin, count);
    } else if (to.dtype == DType::kF32) {
      widen_range(to.as<float>() + begin, from, begin, count);
    } else {
      std::copy_n(from.as<uint16_t>() + begin, count, to.as<uint16_t>() + begin);
    }
  });
  return ok();
}

}  // namespace millrace::cpu
