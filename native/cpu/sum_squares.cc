#include "cpu/cpu_ops.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

// Chunks of a fixed size have a partial sum each, added in their order: the same bits for any pool.
Status sum_squares(Context& context, Tensor out, Tensor x) {
  MR_RETURN_IF_ERROR(check_sum_squares(DType::kF32, out, x));
  const int64_t num_chunks = (x.num_elements() + kChunkElements - 1) / kChunkElements;
  MR_CHECK(context.scratch != nullptr);
  const size_t mark = context.scratch->mark();
  Tensor partials;
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF64, Shape(num_chunks), &partials));
  context.scratch->release(mark);  // nothing else is allocated before the end
  if (planning(context)) return ok();
  for_ranges(context, x.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
    partials.as<double>()[begin / kChunkElements] = kernels().sum_squares(x.as<float>() + begin, end - begin);
  });
  double sum = 0.0;
  for (int64_t i = 0; i < num_chunks; ++i) sum += partials.as<double>()[i];
  *out.as<double>() += sum;
  return ok();
}

}  // namespace millrace::cpu
