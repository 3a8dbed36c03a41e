#include "text/sequence_hash.h"

#include "text/sequence_hash_kernels.h"

namespace millrace {

namespace {

// Above this, one rolling multiplication a run is less work than `size` multiplications on eight lanes.
constexpr size_t kLongestVectorRun = 12;

uint64_t mixed_sum_scalar(const uint8_t* words, size_t count, uint64_t first, uint64_t step) {
  uint64_t sum = 0;
  uint64_t offset = first * step;
  for (size_t i = 0; i < count; ++i) {
    offset += step;
    sum += mix64(load64(words + 8 * i) + offset);
  }
  return sum;
}

void hash_runs_scalar(const uint64_t* units, size_t count, size_t size, uint64_t* out) {
  uint64_t top_power = 1;  // of the oldest unit in a run
  for (size_t i = 1; i < size; ++i) top_power *= kMixA;
  uint64_t sum = 0;
  for (size_t i = 0; i < size; ++i) sum = sum * kMixA + units[i];
  out[0] = finish_run(sum, size);
  for (size_t i = size; i < count; ++i) {
    sum = (sum - units[i - size] * top_power) * kMixA + units[i];
    out[i - size + 1] = finish_run(sum, size);
  }
}

uint64_t finish_bytes(const uint8_t* bytes, size_t length, uint64_t step, SimdLevel level) {
  const size_t whole = length / 8;
  uint64_t sum = mixed_sum(bytes, whole, 0, step, level);
  if (length % 8 != 0) {
    uint64_t tail = 0;
    std::memcpy(&tail, bytes + 8 * whole, length % 8);
    sum += mix64(tail + (whole + 1) * step);
  }
  return mix64(length + sum);
}

}  // namespace

uint64_t mixed_sum(const uint8_t* words, size_t count, uint64_t first, uint64_t step, SimdLevel level) {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512) return mixed_sum_avx512(words, count, first, step);
#endif
  static_cast<void>(level);
  return mixed_sum_scalar(words, count, first, step);
}

Hash128 hash_bytes(const uint8_t* bytes, size_t length, SimdLevel level) {
  return {finish_bytes(bytes, length, kMixA, level), finish_bytes(bytes, length, kMixB, level)};
}

uint64_t hash_bytes_low(const uint8_t* bytes, size_t length, SimdLevel level) {
  return finish_bytes(bytes, length, kMixA, level);
}

void hash_runs(const uint64_t* units, size_t count, size_t size, uint64_t* out, SimdLevel level) {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512 && size <= kLongestVectorRun) {
    hash_runs_avx512(units, count, size, out);
    return;
  }
#endif
  static_cast<void>(level);
  hash_runs_scalar(units, count, size, out);
}

}  // namespace millrace
