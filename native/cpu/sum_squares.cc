#include "cpu/chunk_sums.h"
#include "cpu/cpu_ops.h"

namespace millrace::cpu {

Status sum_squares(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum_squares(DType::kF32, out, x));
  return add_chunk_sums(context, out, x.num_elements(), [&](int64_t begin, int64_t end) {
    return kernels().sum_squares(x.as<float>() + begin, end - begin);
  });
}

}  // namespace millrace::cpu
