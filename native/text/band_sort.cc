#include "text/band_sort.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace millrace {

namespace {

constexpr int kDigits = 8;
constexpr int kDigitBits = 8;
constexpr size_t kRadix = 1u << kDigitBits;
// Below this a comparison sort is faster than eight passes.
constexpr size_t kSmall = 512;

inline size_t digit_of(uint64_t key, int digit) { return (key >> (digit * kDigitBits)) & (kRadix - 1); }

void insertion_sort(uint64_t* keys, uint32_t* values, size_t count) {
  for (size_t i = 1; i < count; ++i) {
    const uint64_t key = keys[i];
    const uint32_t value = values[i];
    size_t j = i;
    for (; j > 0 && keys[j - 1] > key; --j) {
      keys[j] = keys[j - 1];
      values[j] = values[j - 1];
    }
    keys[j] = key;
    values[j] = value;
  }
}

template <bool kWithValues>
void sort_by_digits(uint64_t* keys, uint32_t* values, size_t count) {
  std::array<std::array<size_t, kRadix>, kDigits> starts{};
  for (size_t i = 0; i < count; ++i) {
    for (int digit = 0; digit < kDigits; ++digit) ++starts[digit][digit_of(keys[i], digit)];
  }
  // Not value-initialised: every element is written before it is read.
  std::unique_ptr<uint64_t[]> key_scratch(new uint64_t[count]);
  std::unique_ptr<uint32_t[]> value_scratch(new uint32_t[kWithValues ? count : 1]);
  uint64_t* from = keys;
  uint64_t* to = key_scratch.get();
  uint32_t* from_values = values;
  uint32_t* to_values = value_scratch.get();
  for (int digit = 0; digit < kDigits; ++digit) {
    auto& start = starts[digit];
    if (start[digit_of(from[0], digit)] == count) continue;  // all alike in this digit
    size_t sum = 0;
    for (size_t& bucket : start) sum += std::exchange(bucket, sum);
    for (size_t i = 0; i < count; ++i) {
      const size_t target = start[digit_of(from[i], digit)]++;
      to[target] = from[i];
      if constexpr (kWithValues) to_values[target] = from_values[i];
    }
    std::swap(from, to);
    std::swap(from_values, to_values);
  }
  if (from != keys) {
    std::copy_n(from, count, keys);
    if constexpr (kWithValues) std::copy_n(from_values, count, values);
  }
}

}  // namespace

void radix_sort(uint64_t* keys, uint32_t* values, size_t count) {
  if (values == nullptr) {
    if (count < kSmall) {
      std::sort(keys, keys + count);
    } else {
      sort_by_digits<false>(keys, nullptr, count);
    }
  } else if (count <= 32) {
    insertion_sort(keys, values, count);
  } else {
    sort_by_digits<true>(keys, values, count);
  }
}

size_t sort_unique(uint64_t* values, size_t count) {
  radix_sort(values, nullptr, count);
  return static_cast<size_t>(std::unique(values, values + count) - values);
}

}  // namespace millrace
