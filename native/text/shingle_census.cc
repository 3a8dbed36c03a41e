#include "text/shingle_census.h"

#include <algorithm>
#include <cstddef>

namespace millrace {

namespace {

// The table is far larger than any cache and hashes are spread over all of it: lines are asked for so many shingles
// ahead.
constexpr size_t kAhead = 24;

}  // namespace

ShingleCensus::ShingleCensus(int seen_bits, int counter_bits)
    : seen_bits_(seen_bits),
      counter_bits_(counter_bits),
      seen_(seen_bits == 0 ? 0 : std::max<size_t>(1, (size_t{1} << seen_bits) / 4)),
      counters_(counter_bits == 0 ? 0 : size_t{1} << counter_bits) {}

void ShingleCensus::see(std::span<const uint64_t> set) {
  if (seen_bits_ == 0) return;
  const int shift = 64 - seen_bits_;
  for (size_t i = 0; i < set.size(); ++i) {
    if (i + kAhead < set.size()) __builtin_prefetch(&seen_[set[i + kAhead] >> shift >> 2], 1);
    const uint64_t at = set[i] >> shift;
    uint8_t& four = seen_[at >> 2];
    const int bit = static_cast<int>(2 * (at & 3));
    // 0 -> 1 -> 2 -> 2.
    const int old = four >> bit & 3;
    four = static_cast<uint8_t>(four + ((old < 2 ? 1 : 0) << bit));
  }
}

uint64_t ShingleCensus::shared_of(std::span<const uint64_t> set, std::vector<uint64_t>* shared) const {
  if (seen_bits_ == 0) {
    shared->assign(set.begin(), set.end());
    return 0;
  }
  shared->resize(set.size());
  const int shift = 64 - seen_bits_;
  size_t count = 0;
  for (size_t i = 0; i < set.size(); ++i) {
    if (i + kAhead < set.size()) __builtin_prefetch(&seen_[set[i + kAhead] >> shift >> 2]);
    (*shared)[count] = set[i];
    count += static_cast<size_t>(is_shared(set[i]));
  }
  shared->resize(count);
  return set.size() - count;
}

void ShingleCensus::count(std::span<const uint64_t> shared) {
  if (counter_bits_ == 0) return;
  for (const uint64_t shingle : shared) {
    uint32_t& counter = counters_[shingle >> (64 - counter_bits_)];
    if (counter != UINT32_MAX) ++counter;
  }
}

}  // namespace millrace
