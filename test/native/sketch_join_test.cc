// The join of a sample by sketches, against comparing every sketch with every other.
#include "text/sketch_join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <set>
#include <tuple>
#include <vector>

namespace millrace {
namespace {

using Triple = std::tuple<uint32_t, uint32_t, uint32_t>;
using Sketches = std::vector<uint32_t>;

// Of sets of `size` values or fewer out of `range`, spread over all 32 bits.
Sketches random_sketches(std::mt19937& random, size_t count, uint32_t range) {
  Sketches sketches(count * kSketchSize, kSketchEnd);
  for (size_t i = 0; i < count; ++i) {
    std::set<uint32_t> values;
    const size_t size = i % 3 == 0 ? random() % kSketchSize : 2 * kSketchSize;
    for (size_t k = 0; k < size; ++k) values.insert((random() % range) * 0x01234567);
    std::copy_n(values.begin(), std::min(values.size(), kSketchSize), sketches.begin() + i * kSketchSize);
  }
  return sketches;
}

std::set<uint32_t> values_of(const Sketches& sketches, size_t row) {
  const auto begin = sketches.begin() + row * kSketchSize;
  return {begin, std::find(begin, begin + kSketchSize, kSketchEnd)};
}

uint32_t level_of(const std::set<uint32_t>& a, const std::set<uint32_t>& b) {
  std::set<uint32_t> together = a;
  together.insert(b.begin(), b.end());
  if (together.empty()) return 0;
  const size_t least = std::min(together.size(), kSketchSize);
  const auto end = std::next(together.begin(), least);
  const auto common = std::count_if(together.begin(), end, [&](uint32_t v) { return a.contains(v) && b.contains(v); });
  return static_cast<uint32_t>(kSketchSize * common / least);
}

TEST(SketchIndex, FindsThePairsThatComparingAllFinds) {
  std::mt19937 random(3);
  for (const uint32_t range : {20u, 40u, 1000u}) {
    const Sketches sampled = random_sketches(random, 30, range);
    const Sketches rows = random_sketches(random, 90, range);
    std::vector<uint8_t> taken(90);
    for (uint8_t& one : taken) one = random() % 4 != 0;
    SketchIndex index(sampled.data(), 30);
    for (const uint32_t min_level : {0u, 1u, 5u, 12u}) {
      std::vector<Triple> expected;
      for (uint32_t row = 0; row < 90; ++row) {
        for (uint32_t place = 0; place < 30; ++place) {
          const uint32_t level = level_of(values_of(sampled, place), values_of(rows, row));
          if (taken[row] && level >= std::max(min_level, 1u)) expected.emplace_back(place, row, level);
        }
      }
      std::vector<Triple> found;
      for (const auto& match : index.match(rows.data(), taken.data(), 90, min_level)) {
        found.emplace_back(match.sampled, match.row, match.level);
      }
      std::sort(expected.begin(), expected.end());
      std::sort(found.begin(), found.end());
      EXPECT_EQ(found, expected);
      if (range == 20) {
        ASSERT_FALSE(expected.empty());
        expected.pop_back();
        EXPECT_NE(found, expected);
      }
    }
  }
}

TEST(SketchIndex, MeetsRowsThatShareAValueWithEverySampledDocument) {
  Sketches all(64 * kSketchSize, kSketchEnd);
  for (size_t i = 0; i < 64; ++i) {
    all[i * kSketchSize] = 7;
    all[i * kSketchSize + 1] = 8;
  }
  const std::vector<uint8_t> taken(64, 1);
  SketchIndex index(all.data(), 64);
  const auto& matches = index.match(all.data(), taken.data(), 64, 16);
  EXPECT_EQ(matches.size(), 64u * 64u);
}

}  // namespace
}  // namespace millrace
