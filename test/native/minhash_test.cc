// MinHash: the same bits on every SIMD level, pinned for ever, and an estimate within its bound.
#include "text/minhash.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "text/words_hash.h"

namespace millrace {
namespace {

std::vector<uint64_t> shingles(size_t count, uint64_t seed) {
  std::vector<uint64_t> out;
  for (size_t i = 0; i < count; ++i) out.push_back(mix64(seed * 1000003 + i + 1));
  return out;
}

std::vector<uint64_t> keys_of(const std::vector<uint64_t>& set, BandConfig config, SimdLevel level) {
  MinHasher hasher(config, level);
  std::vector<uint64_t> keys(static_cast<size_t>(config.num_bands));
  // In two calls: the minima go on.
  hasher.begin();
  hasher.add(set.data(), set.size() / 3);
  hasher.add(set.data() + set.size() / 3, set.size() - set.size() / 3);
  hasher.band_keys(keys.data(), 1);
  return keys;
}

TEST(MinHash, IsTheSameOnEverySimdLevel) {
  for (const BandConfig config :
       {BandConfig{30, 5, 0}, BandConfig{1, 1, 7}, BandConfig{43, 6, 1}, BandConfig{7, 9, 2}}) {
    for (const size_t count : {1, 2, 15, 16, 17, 500}) {
      const auto set = shingles(count, count);
      const auto expected = keys_of(set, config, SimdLevel::kScalar);
      for (const SimdLevel level : {SimdLevel::kAvx2, SimdLevel::kAvx512}) {
        if (has_simd_level(level)) {
          EXPECT_EQ(keys_of(set, config, level), expected);
        }
      }
    }
  }
}

// These values are part of the format of signatures: when they change, the version of the dedup stage must too.
TEST(MinHash, GivesThePinnedValues) {
  MinHasher hasher({30, 5, 0}, best_simd_level());
  std::vector<uint64_t> keys(30);
  const auto set = shingles(100, 42);
  hasher.begin();
  hasher.add(set.data(), set.size());
  hasher.band_keys(keys.data(), 1);
  EXPECT_EQ(hasher.signature()[0], 75071660u);
  EXPECT_EQ(hasher.signature()[149], 6171614u);
  EXPECT_EQ(keys[0], 11069123902695653981u);
  EXPECT_EQ(keys[29], 10593516929448158688u);
}

TEST(MinHash, KeysOfEqualRowsDifferBetweenBandsAndSeeds) {
  // One shingle, one row a band: bands differ in their permutation and in their number.
  const auto keys = keys_of(shingles(1, 3), {64, 1, 0}, SimdLevel::kScalar);
  EXPECT_EQ(std::set<uint64_t>(keys.begin(), keys.end()).size(), keys.size());
  EXPECT_NE(keys_of(shingles(9, 3), {2, 2, 0}, SimdLevel::kScalar),
            keys_of(shingles(9, 3), {2, 2, 1}, SimdLevel::kScalar));
}

TEST(MinHash, ADocumentForgetsTheOneBefore) {
  MinHasher hasher({30, 5, 0}, best_simd_level());
  const auto other = shingles(50, 1);
  hasher.begin();
  hasher.add(other.data(), other.size());
  const auto set = shingles(20, 2);
  hasher.begin();
  hasher.add(set.data(), set.size());
  std::vector<uint64_t> keys(30);
  hasher.band_keys(keys.data(), 1);
  EXPECT_EQ(keys, keys_of(set, {30, 5, 0}, SimdLevel::kScalar));
  EXPECT_NE(keys, keys_of(other, {30, 5, 0}, SimdLevel::kScalar));
}

TEST(MinHash, EstimatesJaccardWithinItsBound) {
  constexpr int kPermutations = 256;
  constexpr int kPairs = 200;
  double squares = 0;
  double expected_squares = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    const size_t common = 20 + static_cast<size_t>(pair);
    const size_t own = 60;
    auto a = shingles(common, static_cast<uint64_t>(3 * pair));
    auto b = a;
    for (const uint64_t x : shingles(own, static_cast<uint64_t>(3 * pair + 1))) a.push_back(x);
    for (const uint64_t x : shingles(own, static_cast<uint64_t>(3 * pair + 2))) b.push_back(x);
    MinHasher hasher_a({1, kPermutations, 5}, best_simd_level());
    MinHasher hasher_b({1, kPermutations, 5}, best_simd_level());
    hasher_a.begin();
    hasher_a.add(a.data(), a.size());
    hasher_b.begin();
    hasher_b.add(b.data(), b.size());
    int equal = 0;
    for (int i = 0; i < kPermutations; ++i) equal += hasher_a.signature()[i] == hasher_b.signature()[i];
    const double truth = static_cast<double>(common) / static_cast<double>(common + 2 * own);
    squares += std::pow(static_cast<double>(equal) / kPermutations - truth, 2);
    expected_squares += truth * (1 - truth) / kPermutations;
  }
  // The mean of 200 squared errors lies within a third of its expectation (three standard deviations of a chi-square).
  EXPECT_NEAR(squares / expected_squares, 1.0, 0.33);
}

}  // namespace
}  // namespace millrace
