#include "comm/reduce.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "comm/reduce_element.h"

namespace millrace {

namespace {

// 8 KiB of f32: the block of a sum and that of one source stay in the first cache.
constexpr int64_t kBlock = 2048;
// Levels of the tree for as many ranks as one process may have.
constexpr int kMostLevels = 10;

// One block of the sources, from element `begin` on, added up in Wide.
template <class T, class Wide>
struct BlockReduction {
  ReduceOp op;
  const void* const* sources;
  int64_t begin;
  int64_t count;
  Wide (*waiting)[kBlock];  // right halves of the tree, one a level

  const T* source(int index) const { return static_cast<const T*>(sources[index]) + begin; }

  template <class From>
  void combine(Wide* to, const From* from) const {
    if (op == ReduceOp::kSum) {
      for (int64_t i = 0; i < count; ++i) to[i] = combined<ReduceOp::kSum>(to[i], static_cast<Wide>(from[i]));
    } else {
      for (int64_t i = 0; i < count; ++i) to[i] = combined<ReduceOp::kMax>(to[i], static_cast<Wide>(from[i]));
    }
  }

  // to = the reduction of sources [first, first + number). The left half of a node is the largest power of two below
  // it, so ranks that form a subtree are added as they would be alone.
  void run(int first, int number, int level, Wide* to) const {
    if (number == 1) {
      const T* from = source(first);
      for (int64_t i = 0; i < count; ++i) to[i] = static_cast<Wide>(from[i]);
      return;
    }
    int half = 1;
    while (half * 2 < number) half *= 2;
    run(first, half, level + 1, to);
    if (number - half == 1) return combine(to, source(first + half));
    run(first + half, number - half, level + 1, waiting[level]);
    combine(to, waiting[level]);
  }
};

template <class T>
void reduce_typed(ReduceOp op, const void* const* sources, int num_sources, void* const* destinations,
                  int num_destinations, int64_t offset, int64_t begin, int64_t end) {
  using Wide = WideElement<T>;
  Wide sum[kBlock];
  Wide waiting[kMostLevels][kBlock];
  for (int64_t block = begin; block < end; block += kBlock) {
    const int64_t n = std::min(kBlock, end - block);
    BlockReduction<T, Wide>{op, sources, block, n, waiting}.run(0, num_sources, 0, sum);
    for (int d = 0; d < num_destinations; ++d) {
      T* to = static_cast<T*>(destinations[d]) + (block - offset);
      if constexpr (std::is_same_v<T, Wide>) {
        std::memcpy(to, sum, static_cast<size_t>(n) * sizeof(T));
      } else {
        for (int64_t i = 0; i < n; ++i) to[i] = T(sum[i]);
      }
    }
  }
}

}  // namespace

ElementRange slice_of(int64_t count, int rank, int num_ranks) {
  const int64_t lines = (count + kLineElements - 1) / kLineElements;
  return ElementRange{std::min(count, lines * rank / num_ranks * kLineElements),
                      std::min(count, lines * (rank + 1) / num_ranks * kLineElements)};
}

void reduce_range(DType dtype, ReduceOp op, const void* const* sources, int num_sources, void* const* destinations,
                  int num_destinations, int64_t offset, int64_t begin, int64_t end) {
  const auto run = [&]<class T>(T) {
    reduce_typed<T>(op, sources, num_sources, destinations, num_destinations, offset, begin, end);
  };
  switch (dtype) {
    case DType::kF32:
      return run(float{});
    case DType::kF64:
      return run(double{});
    case DType::kBF16:
      return run(BFloat16{});
    case DType::kF16:
      return run(Float16{});
    case DType::kI32:
      return run(int32_t{});
    case DType::kI64:
      return run(int64_t{});
  }
}

}  // namespace millrace
