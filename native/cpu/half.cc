#include "cpu/half.h"

#include <algorithm>

namespace millrace::cpu {

void widen_range(float* to, const Tensor& from, int64_t begin, int64_t count) {
  if (from.dtype == DType::kF32) {
    std::copy_n(from.as<float>() + begin, count, to);
  } else {
    const auto widen = from.dtype == DType::kBF16 ? kernels().widen_bf16 : kernels().widen_f16;
    widen(to, from.as<uint16_t>() + begin, count);
  }
}

void narrow_range(const Tensor& to, const float* from, int64_t begin, int64_t count) {
  if (to.dtype == DType::kF32) {
    std::copy_n(from, count, to.as<float>() + begin);
  } else {
    const auto narrow = to.dtype == DType::kBF16 ? kernels().narrow_bf16 : kernels().narrow_f16;
    narrow(to.as<uint16_t>() + begin, from, count);
  }
}

Tensor Widened::stand_in(const Tensor& x, bool read) {
  Tensor copy;
  if (x.shape.rank == 0 || !status_.ok()) return copy;
  status_ = context_.scratch->alloc(DType::kF32, x.shape, &copy);
  if (!read || !status_.ok() || planning(context_)) return copy;
  for_ranges(context_, x.num_elements(), kChunkElements,
             [&](int64_t begin, int64_t end) { widen_range(copy.as<float>() + begin, x, begin, end - begin); });
  return copy;
}

Tensor Widened::in(Tensor x) { return stand_in(x, true); }

Tensor Widened::out(Tensor x) {
  const Tensor copy = stand_in(x, false);
  if (x.shape.rank != 0) outputs_[num_outputs_++] = Output{x, copy};
  return copy;
}

Tensor Widened::in_out(Tensor x) {
  const Tensor copy = stand_in(x, true);
  if (x.shape.rank != 0) outputs_[num_outputs_++] = Output{x, copy};
  return copy;
}

void Widened::write_back() {
  for (size_t i = 0; i < num_outputs_; ++i) {
    const Output& output = outputs_[i];
    for_ranges(context_, output.to.num_elements(), kChunkElements, [&](int64_t begin, int64_t end) {
      narrow_range(output.to, output.from.as<float>() + begin, begin, end - begin);
    });
  }
}

}  // namespace millrace::cpu
