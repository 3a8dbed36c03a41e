#include "comm/reduce.h"

#include <algorithm>
#include <cstring>

namespace millrace {

namespace {

// 8 KiB of f32: the block of the sum and of one source stay in the first cache.
constexpr int64_t kBlock = 2048;

template <class T>
T larger(T a, T b) {
  return b > a || b != b ? b : a;  // a value that is not a number wins, as it does in a sum
}

template <class T>
void reduce_typed(ReduceOp op, const void* const* sources, int num_sources, void* const* destinations,
                  int num_destinations, int64_t offset, int64_t begin, int64_t end) {
  T sum[kBlock];
  for (int64_t block = begin; block < end; block += kBlock) {
    const int64_t n = std::min(kBlock, end - block);
    std::memcpy(sum, static_cast<const T*>(sources[0]) + block, static_cast<size_t>(n) * sizeof(T));
    for (int s = 1; s < num_sources; ++s) {
      const T* source = static_cast<const T*>(sources[s]) + block;
      if (op == ReduceOp::kSum) {
        for (int64_t i = 0; i < n; ++i) sum[i] += source[i];
      } else {
        for (int64_t i = 0; i < n; ++i) sum[i] = larger(sum[i], source[i]);
      }
    }
    for (int d = 0; d < num_destinations; ++d) {
      std::memcpy(static_cast<T*>(destinations[d]) + (block - offset), sum, static_cast<size_t>(n) * sizeof(T));
    }
  }
}

}  // namespace

void reduce_range(DType dtype, ReduceOp op, const void* const* sources, int num_sources, void* const* destinations,
                  int num_destinations, int64_t offset, int64_t begin, int64_t end) {
  const auto run = [&](auto zero) {
    reduce_typed<decltype(zero)>(op, sources, num_sources, destinations, num_destinations, offset, begin, end);
  };
  switch (dtype) {
    case DType::kF32:
      return run(float{});
    case DType::kF64:
      return run(double{});
    case DType::kI32:
      return run(int32_t{});
    case DType::kI64:
      return run(int64_t{});
    case DType::kBF16:
    case DType::kF16:
      return;  // refused before any work
  }
}

}  // namespace millrace
