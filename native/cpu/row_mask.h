// The dropout factors of the rows of a (B,T,C) tensor, made a block at a time in the first-level cache.
#ifndef MILLRACE_CPU_ROW_MASK_H_
#define MILLRACE_CPU_ROW_MASK_H_

#include <algorithm>

#include "cpu/ranges.h"

namespace millrace::cpu {

class RowMask {
 public:
  RowMask(const Dropout& dropout, int64_t time, int64_t columns)
      : dropout_(dropout), key_(mask_key(dropout)), time_(time), columns_(columns) {}

  // block(column, count, factors) over the columns of row n = b * T + t; factors is null without dropout.
  template <class Block>
  void for_blocks(int64_t n, const Block& block) const {
    if (dropout_.p == 0.0f) {
      block(int64_t{0}, columns_, static_cast<const float*>(nullptr));
      return;
    }
    constexpr int64_t kBlock = 1024;
    float factors[kBlock];
    const int64_t begin = (dropout_.sample[n / time_] * time_ + n % time_) * columns_;
    for (int64_t c = 0; c < columns_; c += kBlock) {
      const int64_t count = std::min(kBlock, columns_ - c);
      kernels().dropout_factors(factors, count, key_, static_cast<uint64_t>(begin + c));
      block(c, count, static_cast<const float*>(factors));
    }
  }

 private:
  const Dropout& dropout_;
  const MaskKey key_;
  const int64_t time_;
  const int64_t columns_;
};

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_ROW_MASK_H_
