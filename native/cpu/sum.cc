#include "cpu/chunk_sums.h"
#include "cpu/cpu_ops.h"

namespace millrace::cpu {

namespace {

// Losses of some thousand tokens: too few for an inner loop of its own.
template <class X>
double added_up(const X* x, int64_t count) {
  double sum = 0.0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]);
  return sum;
}

}  // namespace

Status sum(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum(DType::kF32, out, x));
  return add_chunk_sums(context, out, x.num_elements(), [&](int64_t begin, int64_t end) {
    return x.dtype == DType::kF64 ? added_up(x.as<double>() + begin, end - begin)
                                  : added_up(x.as<float>() + begin, end - begin);
  });
}

}  // namespace millrace::cpu
