// How the ops of this folder cut their work.
#ifndef MILLRACE_CPU_RANGES_H_
#define MILLRACE_CPU_RANGES_H_

#include <algorithm>
#include <cstdint>
#include <functional>

#include "core/context.h"
#include "core/philox.h"
#include "core/tensor.h"
#include "cpu/kernels/kernels.h"

namespace millrace::cpu {

// Elements that make a chunk worth handing to a thread; also how often a long op shows a sign of life.
constexpr int64_t kChunkElements = int64_t{1} << 15;

inline void tick(Context& context) {
  if (context.heartbeat != nullptr) context.heartbeat->tick();
}

inline int num_threads(const Context& context) { return context.pool == nullptr ? 1 : context.pool->num_threads(); }

// Body over disjoint ranges that cover [0, count), each of at most about `chunk`, on all threads; one sign of life
// each.
template <class Body>
void for_ranges(Context& context, int64_t count, int64_t chunk, const Body& body) {
  chunk = std::max<int64_t>(chunk, 1);
  const int64_t num_chunks = (count + chunk - 1) / chunk;
  const auto run = [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      body(i * chunk, std::min((i + 1) * chunk, count));
      tick(context);
    }
  };
  if (context.pool == nullptr || num_chunks <= 1) {
    run(0, num_chunks);
  } else {
    context.pool->parallel_for(num_chunks, 1, run);
  }
}

// Ranges of rows of `columns` elements each.
template <class Body>
void for_rows(Context& context, int64_t rows, int64_t columns, const Body& body) {
  for_ranges(context, rows, kChunkElements / std::max<int64_t>(columns, 1), body);
}

inline int64_t columns_of(const Tensor& x) { return x.dim(x.shape.rank - 1); }
inline int64_t rows_of(const Tensor& x) {
  const int64_t columns = columns_of(x);
  return columns == 0 ? 0 : x.num_elements() / columns;
}

inline MaskKey mask_key(const Dropout& dropout) {
  const PhiloxKey drawn = dropout.keyed();
  MaskKey key;
  key.seed[0] = static_cast<uint32_t>(drawn.seed);
  key.seed[1] = static_cast<uint32_t>(drawn.seed >> 32);
  key.step = drawn.step;
  key.stream = drawn.layer << 8 | static_cast<uint32_t>(drawn.site);
  key.threshold = dropout.threshold();
  key.scale = dropout.scale();
  return key;
}

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_RANGES_H_
