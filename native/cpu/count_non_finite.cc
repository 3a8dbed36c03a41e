#include <atomic>

#include "cpu/cpu_ops.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

namespace {

// In all formats what is not finite has an exponent of ones.
template <class Bits>
int64_t count(const Bits* x, int64_t n, Bits exponent) {
  int64_t found = 0;
  for (int64_t i = 0; i < n; ++i) found += (x[i] & exponent) == exponent ? 1 : 0;
  return found;
}

}  // namespace

// A sum of integers has no order.
Status count_non_finite(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_count_non_finite(x.dtype, out, x));
  if (planning(context)) return ok();
  std::atomic<int64_t> found{0};
  for_ranges(context, x.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    if (x.dtype == DType::kF32) {
      found += count<uint32_t>(x.as<uint32_t>() + begin, end - begin, 0x7f800000u);
    } else {
      found += count<uint16_t>(x.as<uint16_t>() + begin, end - begin, x.dtype == DType::kBF16 ? 0x7f80u : 0x7c00u);
    }
  });
  *out.as<double>() += static_cast<double>(found.load());
  return ok();
}

}  // namespace millrace::cpu
