// Exact Jaccard similarity of shingle sets (sorted, without repeats) against a rational threshold, in integers.
#ifndef MILLRACE_TEXT_JACCARD_H_
#define MILLRACE_TEXT_JACCARD_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

struct Ratio {
  uint32_t numerator;
  uint32_t denominator;
};

size_t intersection_size(std::span<const uint64_t> a, std::span<const uint64_t> b);

// The same when it is at least `least`, else 0, as soon as that is certain. `least` is at least 1.
size_t intersection_at_least(std::span<const uint64_t> a, std::span<const uint64_t> b, uint64_t least);

// The least overlap that puts sets of these sizes above the threshold: with U = a + b - I, I / U > n / d is
// I * (n + d) > n * (a + b). It may exceed both sizes: then no overlap does.
inline uint64_t least_overlap(uint64_t a, uint64_t b, Ratio threshold) {
  return threshold.numerator * (a + b) / (static_cast<uint64_t>(threshold.numerator) + threshold.denominator) + 1;
}

// The least overlap with a set of any size: I / U > n / d and U >= a give I > a * n / d.
inline uint64_t least_overlap_with_any(uint64_t a, Ratio threshold) {
  return threshold.numerator * a / threshold.denominator + 1;
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_JACCARD_H_
