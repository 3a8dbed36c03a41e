// Sorting, buckets, exact Jaccard and the prefix-filter join, each against the plain way of doing it.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "text/band_buckets.h"
#include "text/band_sort.h"
#include "text/jaccard.h"
#include "text/join_index.h"
#include "text/words_hash.h"

namespace millrace {
namespace {

TEST(RadixSort, SortsStablyLikeTheStandardLibrary) {
  std::mt19937_64 random(1);
  for (const size_t count : {0, 1, 2, 31, 33, 511, 513, 5000}) {
    for (const uint64_t mask : {~0ull, 0xffull, 0xff00000000ull}) {
      std::vector<uint64_t> keys(count);
      for (uint64_t& key : keys) key = random() & mask;
      std::vector<uint32_t> rows(count);
      std::iota(rows.begin(), rows.end(), 0u);
      std::vector<uint32_t> expected = rows;
      std::stable_sort(expected.begin(), expected.end(), [&](uint32_t a, uint32_t b) { return keys[a] < keys[b]; });
      std::vector<uint64_t> sorted = keys;
      radix_sort(sorted.data(), rows.data(), count);
      EXPECT_EQ(rows, expected);
      EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.end()));
      const std::set<uint64_t> distinct(keys.begin(), keys.end());
      keys.resize(sort_unique(keys.data(), keys.size()));
      EXPECT_TRUE(std::equal(keys.begin(), keys.end(), distinct.begin(), distinct.end()));
    }
  }
}

TEST(BucketPairs, PairsOutSmallBucketsAndListsLargeOnes) {
  std::vector<uint64_t> keys{9, 5, 9, 7, 5, 9, 5, 5};
  std::vector<uint32_t> documents{10, 11, 12, 13, 14, 15, 16, 17};
  const BucketPairs found = bucket_pairs(keys.data(), documents.data(), keys.size(), 3);
  EXPECT_EQ(found.pairs, (std::vector<uint64_t>{10ull << 32 | 12, 10ull << 32 | 15, 12ull << 32 | 15}));
  EXPECT_EQ(found.crowded, (std::vector<uint32_t>{11, 14, 16, 17}));
}

TEST(EqualGroups, NeedBothWordsOfTheHash) {
  const std::vector<uint64_t> hashes{1, 1, 2, 5, 1, 2, 1, 1, 2, 5, 2, 5};
  const EqualGroups groups = equal_groups(hashes.data(), 6);
  EXPECT_EQ(groups.members, (std::vector<uint32_t>{0, 3, 1, 4, 5}));
  EXPECT_EQ(groups.offsets, (std::vector<uint32_t>{0, 2, 5}));
}

TEST(Jaccard, LeastOverlapIsTheFirstAboveTheThreshold) {
  for (const Ratio threshold : {Ratio{7, 10}, Ratio{1, 2}, Ratio{0, 1}, Ratio{99, 100}}) {
    const auto above = [&](uint64_t common, uint64_t a, uint64_t b) {
      return common * threshold.denominator > (a + b - common) * threshold.numerator;
    };
    for (uint64_t a = 1; a < 60; ++a) {
      uint64_t least_with_any = UINT64_MAX;
      for (uint64_t b = 1; b < 120; ++b) {
        const uint64_t least = least_overlap(a, b, threshold);
        EXPECT_TRUE(least > a + b || above(least, a, b));
        EXPECT_FALSE(above(least - 1, a, b));
        if (least <= std::min(a, b)) least_with_any = std::min(least_with_any, least);
      }
      EXPECT_LE(least_overlap_with_any(a, threshold), least_with_any);
      EXPECT_TRUE(least_overlap_with_any(a, threshold) <= a);
    }
  }
}

using Set = std::vector<uint64_t>;

std::vector<Set> random_sets(std::mt19937_64& random) {
  const uint64_t template_size = 5 + random() % 80;
  std::vector<Set> sets(80);
  for (size_t i = 0; i < sets.size(); ++i) {
    std::set<uint64_t> elements{mix64(1000000 + i)};
    for (uint64_t x = 0; x < template_size; ++x) {
      if (random() % 8 != 0) elements.insert(mix64(x + 1));
    }
    for (uint64_t own = random() % 20; own > 0; --own) elements.insert(mix64(1000 + random() % 100));
    sets[i].assign(elements.begin(), elements.end());
  }
  return sets;
}

using Pairs = std::set<std::pair<uint32_t, uint32_t>>;

bool is_above(const Set& a, const Set& b, Ratio threshold) {
  const size_t common = intersection_size(a, b);
  return common * threshold.denominator > (a.size() + b.size() - common) * threshold.numerator;
}

Pairs joined(const std::vector<Set>& sets, Ratio indexed, Ratio threshold) {
  constexpr int kBits = 8;
  std::vector<uint32_t> counters(1u << kBits);
  for (const Set& set : sets) count_shingles(set, counters.data(), kBits);
  JoinIndex index(counters.data(), kBits, indexed);
  Pairs pairs;
  for (uint32_t i = 0; i < sets.size(); ++i) {
    for (const uint32_t j : index.probe(sets[i])) {
      if (is_above(sets[i], sets[j], threshold)) pairs.emplace(j, i);
    }
    index.insert(i, sets[i]);
  }
  return pairs;
}

Pairs all_pairs(const std::vector<Set>& sets, Ratio threshold) {
  Pairs pairs;
  for (uint32_t i = 0; i < sets.size(); ++i) {
    for (uint32_t j = 0; j < i; ++j) {
      if (is_above(sets[i], sets[j], threshold)) pairs.emplace(j, i);
    }
  }
  return pairs;
}

TEST(Join, EqualsAllPairsAtAnyThreshold) {
  std::mt19937_64 random(7);
  size_t total = 0;
  for (int round = 0; round < 60; ++round) {
    const std::vector<Set> sets = random_sets(random);
    for (const Ratio threshold : {Ratio{7, 10}, Ratio{1, 2}, Ratio{9, 10}, Ratio{1, 10}}) {
      const Pairs expected = all_pairs(sets, threshold);
      ASSERT_EQ(joined(sets, threshold, threshold), expected);
      total += expected.size();
    }
  }
  EXPECT_GT(total, 1000u);
}

TEST(Join, WithPrefixesOfAHigherThresholdMissesPairs) {
  std::mt19937_64 random(7);
  const std::vector<Set> sets = random_sets(random);
  EXPECT_LT(joined(sets, {95, 100}, {6, 10}).size(), all_pairs(sets, {6, 10}).size());
}

}  // namespace
}  // namespace millrace
