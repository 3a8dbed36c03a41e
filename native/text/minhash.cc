#include "text/minhash.h"

#include <algorithm>

#include "text/words_hash.h"

namespace millrace {

#if defined(__x86_64__)

bool has_simd_level(SimdLevel level) {
  switch (level) {
    case SimdLevel::kScalar:
      return true;
    case SimdLevel::kAvx2:
      return __builtin_cpu_supports("avx2");
    case SimdLevel::kAvx512:
      return __builtin_cpu_supports("avx512f");
  }
  return false;
}

#else

bool has_simd_level(SimdLevel level) { return level == SimdLevel::kScalar; }
void minhash_avx2(const PermutationTable& table, const uint32_t* values, size_t count, uint32_t* minima) {
  minhash_scalar(table, values, count, minima);
}
void minhash_avx512(const PermutationTable& table, const uint32_t* values, size_t count, uint32_t* minima) {
  minhash_scalar(table, values, count, minima);
}

#endif

SimdLevel best_simd_level() {
  if (has_simd_level(SimdLevel::kAvx512)) return SimdLevel::kAvx512;
  return has_simd_level(SimdLevel::kAvx2) ? SimdLevel::kAvx2 : SimdLevel::kScalar;
}

// Plain loops over one tile of lanes, which compilers turn into the vectors that every x86-64-v2 and ARM64 processor
// has.
void minhash_scalar(const PermutationTable& table, const uint32_t* values, size_t count, uint32_t* minima) {
  constexpr size_t kLanes = MinHasher::kLanes;
  for (size_t first = 0; first < table.permutations; first += kLanes) {
    uint32_t multiply[kLanes];
    uint32_t add[kLanes];
    uint32_t least[kLanes];
    std::copy_n(table.multiply + first, kLanes, multiply);
    std::copy_n(table.add + first, kLanes, add);
    std::fill_n(least, kLanes, UINT32_MAX);
    for (size_t v = 0; v < count; ++v) {
      for (size_t i = 0; i < kLanes; ++i) least[i] = std::min(least[i], multiply[i] * values[v] + add[i]);
    }
    std::copy_n(least, kLanes, minima + first);
  }
}

MinHasher::MinHasher(BandConfig config, SimdLevel level)
    : config_(config),
      level_(level),
      num_permutations_(static_cast<size_t>(config.num_bands) * static_cast<size_t>(config.num_rows)) {
  const size_t padded = (num_permutations_ + kLanes - 1) / kLanes * kLanes;
  multiply_.resize(padded);
  add_.resize(padded);
  minima_.resize(padded);
  for (size_t i = 0; i < padded; ++i) {
    const uint64_t random = mix64(mix64(config.seed ^ kMixA) + (i + 1) * kMixB);
    multiply_[i] = static_cast<uint32_t>(random) | 1;
    add_[i] = static_cast<uint32_t>(random >> 32);
  }
}

void MinHasher::band_keys(const std::vector<uint64_t>& shingles, uint64_t* keys, size_t stride) {
  values_.resize(shingles.size());
  for (size_t i = 0; i < shingles.size(); ++i) values_[i] = static_cast<uint32_t>(shingles[i] >> 32);
  const PermutationTable table{multiply_.data(), add_.data(), multiply_.size()};
  switch (level_) {
    case SimdLevel::kScalar:
      minhash_scalar(table, values_.data(), values_.size(), minima_.data());
      break;
    case SimdLevel::kAvx2:
      minhash_avx2(table, values_.data(), values_.size(), minima_.data());
      break;
    case SimdLevel::kAvx512:
      minhash_avx512(table, values_.data(), values_.size(), minima_.data());
      break;
  }
  const uint32_t* row = minima_.data();
  for (int band = 0; band < config_.num_bands; ++band) {
    uint64_t key = mix64(config_.seed + static_cast<uint64_t>(band + 1) * kMixC);
    for (int i = 0; i < config_.num_rows; ++i) key = multiply_fold(key ^ *row++, kMixA);
    keys[static_cast<size_t>(band) * stride] = mix64(key);
  }
}

}  // namespace millrace
