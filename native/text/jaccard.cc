#include "text/jaccard.h"

#include <algorithm>

namespace millrace {

namespace {

// How many steps of the merge are taken between two looks at whether the overlap can still be reached.
constexpr size_t kStride = 64;

struct Merge {
  size_t i = 0;
  size_t j = 0;
  size_t common = 0;
};

// At most `steps` steps. Advances without branches: which side is behind is a coin toss that no predictor guesses.
inline void merge_steps(std::span<const uint64_t> a, std::span<const uint64_t> b, size_t steps, Merge* at) {
  size_t i = at->i;
  size_t j = at->j;
  size_t common = at->common;
  for (size_t step = 0; step < steps && i < a.size() && j < b.size(); ++step) {
    const uint64_t x = a[i];
    const uint64_t y = b[j];
    common += static_cast<size_t>(x == y);
    i += static_cast<size_t>(x <= y);
    j += static_cast<size_t>(y <= x);
  }
  *at = {i, j, common};
}

}  // namespace

size_t intersection_size(std::span<const uint64_t> a, std::span<const uint64_t> b) {
  Merge at;
  merge_steps(a, b, a.size() + b.size(), &at);
  return at.common;
}

size_t intersection_at_least(std::span<const uint64_t> a, std::span<const uint64_t> b, uint64_t least) {
  Merge at;
  for (;;) {
    const size_t left = std::min(a.size() - at.i, b.size() - at.j);
    if (at.common + left < least) return 0;
    if (left == 0) return at.common;
    merge_steps(a, b, kStride, &at);
  }
}

}  // namespace millrace
