#include "text/minhash.h"

#include <algorithm>

#include "text/words_hash.h"

namespace millrace {

// Plain loops over one tile of lanes, which compilers turn into the vectors that every x86-64-v2 and ARM64 processor
// has.
void minhash_scalar(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima) {
  constexpr size_t kLanes = MinHasher::kLanes;
  for (size_t first = 0; first < table.permutations; first += kLanes) {
    uint32_t multiply[kLanes];
    uint32_t add[kLanes];
    uint32_t least[kLanes];
    std::copy_n(table.multiply + first, kLanes, multiply);
    std::copy_n(table.add + first, kLanes, add);
    std::copy_n(minima + first, kLanes, least);
    for (size_t v = 0; v < count; ++v) {
      const auto value = static_cast<uint32_t>(shingles[v] >> 32);
      for (size_t i = 0; i < kLanes; ++i) least[i] = std::min(least[i], multiply[i] * value + add[i]);
    }
    std::copy_n(least, kLanes, minima + first);
  }
}

#if !defined(__x86_64__)
void minhash_avx2(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima) {
  minhash_scalar(table, shingles, count, minima);
}
void minhash_avx512(const PermutationTable& table, const uint64_t* shingles, size_t count, uint32_t* minima) {
  minhash_scalar(table, shingles, count, minima);
}
#endif

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
  for (int band = 0; band < config.num_bands; ++band) {
    band_seeds_.push_back(mix64(config.seed + static_cast<uint64_t>(band + 1) * kMixC));
  }
}

void MinHasher::begin() { std::fill(minima_.begin(), minima_.end(), UINT32_MAX); }

void MinHasher::add(const uint64_t* shingles, size_t count) {
  const PermutationTable table{multiply_.data(), add_.data(), multiply_.size()};
  switch (level_) {
    case SimdLevel::kScalar:
      minhash_scalar(table, shingles, count, minima_.data());
      break;
    case SimdLevel::kAvx2:
      minhash_avx2(table, shingles, count, minima_.data());
      break;
    case SimdLevel::kAvx512:
      minhash_avx512(table, shingles, count, minima_.data());
      break;
  }
}

void MinHasher::band_keys(uint64_t* keys, size_t stride) const {
  const uint32_t* row = minima_.data();
  for (size_t band = 0; band < band_seeds_.size(); ++band) {
    uint64_t key = band_seeds_[band];
    for (int i = 0; i < config_.num_rows; ++i) key = multiply_fold(key ^ *row++, kMixA);
    keys[band * stride] = mix64(key);
  }
}

}  // namespace millrace
