// Sketches: the least values, on every SIMD level, in any number of calls.
#include "text/sketch.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

namespace millrace {
namespace {

using Values = std::vector<uint32_t>;

Values by_definition(const std::vector<uint64_t>& hashes) {
  std::set<uint32_t> distinct;
  for (const uint64_t hash : hashes) distinct.insert(static_cast<uint32_t>(hash >> 32));
  Values values(distinct.begin(), distinct.end());
  values.resize(Sketch::kSize, UINT32_MAX);
  return values;
}

Values sketched(const std::vector<uint64_t>& hashes, size_t piece, SimdLevel level) {
  Sketch sketch(level);
  sketch.begin();
  for (size_t i = 0; i < hashes.size(); i += piece) sketch.add(hashes.data() + i, std::min(piece, hashes.size() - i));
  Values values(Sketch::kSize);
  sketch.values(values.data());
  return values;
}

TEST(Sketch, HoldsTheLeastValuesOnEveryLevel) {
  std::mt19937_64 random(4);
  // Spread evenly, all small, all large, few distinct ones, ascending and descending.
  const auto shaped = [&](int shape, uint64_t i) -> uint64_t {
    switch (shape) {
      case 0:
        return random();
      case 1:
        return random() >> 20;
      case 2:
        return ~(random() >> 20);
      case 3:
        return (random() % 10) << 40;
      case 4:
        return i << 33;
      default:
        return ~(i << 33);
    }
  };
  for (int shape = 0; shape < 6; ++shape) {
    for (const size_t count : {1u, 15u, 16u, 17u, 28u, 29u, 40u, 100u, 1000u, 4000u}) {
      for (int round = 0; round < 5; ++round) {
        std::vector<uint64_t> hashes;
        for (uint64_t i = 0; i < count; ++i) hashes.push_back(shaped(shape, i));
        const Values expected = by_definition(hashes);
        for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx512}) {
          if (!has_simd_level(level)) continue;
          for (const size_t piece : {count, size_t{1}, size_t{7}, size_t{64}, size_t{500}}) {
            ASSERT_EQ(sketched(hashes, piece, level), expected) << shape << " " << count << " " << piece;
          }
        }
      }
    }
  }
}

TEST(Sketch, AValueLessChangesIt) {
  std::vector<uint64_t> hashes;
  for (uint64_t i = 1; i <= 16; ++i) hashes.push_back(i << 40);
  const Values before = sketched(hashes, 16, best_simd_level());
  hashes.push_back(uint64_t{1} << 33);
  EXPECT_NE(sketched(hashes, 17, best_simd_level()), before);
  hashes.back() = uint64_t{1} << 63;
  EXPECT_EQ(sketched(hashes, 17, best_simd_level()), before);
}

}  // namespace
}  // namespace millrace
