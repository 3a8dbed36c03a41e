#include "text/jaccard.h"

namespace millrace {

// Advances without branches: which side is behind is a coin toss that no predictor guesses.
size_t intersection_size(std::span<const uint64_t> a, std::span<const uint64_t> b) {
  size_t i = 0;
  size_t j = 0;
  size_t common = 0;
  while (i < a.size() && j < b.size()) {
    const uint64_t x = a[i];
    const uint64_t y = b[j];
    common += static_cast<size_t>(x == y);
    i += static_cast<size_t>(x <= y);
    j += static_cast<size_t>(y <= x);
  }
  return common;
}

}  // namespace millrace
