// Sorting, buckets, exact Jaccard and the prefix-filter join, each against the plain way of doing it.
#include "text/join.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "text/band_buckets.h"
#include "text/band_sort.h"
#include "text/jaccard.h"
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

// Distinct keys and documents of every group, the slow way.
std::map<uint64_t, std::vector<uint32_t>> groups_of(const std::vector<uint64_t>& keys,
                                                    const std::vector<uint32_t>& documents) {
  std::map<uint64_t, std::vector<uint32_t>> groups;
  for (size_t i = 0; i < keys.size(); ++i) groups[keys[i]].push_back(documents[i]);
  std::erase_if(groups, [](const auto& group) { return group.second.size() < 2; });
  return groups;
}

TEST(GroupKeys, KeepsTheRowsWhoseKeyIsRepeated) {
  std::mt19937_64 random(3);
  for (const size_t count : {0, 1, 2, 3, 1000, 5000, 40000}) {
    for (const uint64_t distinct : {uint64_t{1}, uint64_t{7}, uint64_t{count / 2 + 1}, uint64_t{count * 8 + 1}}) {
      for (const bool is_mixed : {true, false}) {
        std::vector<uint64_t> keys(count);
        for (uint64_t& key : keys) key = is_mixed ? mix64(random() % distinct) : random() % distinct;
        std::vector<uint32_t> documents(count);
        std::iota(documents.begin(), documents.end(), 100u);
        const auto expected = groups_of(keys, documents);
        std::vector<uint64_t> key_scratch(count);
        std::vector<uint32_t> document_scratch(count);
        const size_t grouped =
            group_keys(keys.data(), documents.data(), count, key_scratch.data(), document_scratch.data());
        keys.resize(grouped);
        documents.resize(grouped);
        EXPECT_EQ(groups_of(keys, documents), expected);
        size_t rows = 0;
        for (const auto& [key, members] : expected) rows += members.size();
        EXPECT_EQ(grouped, rows);
      }
    }
  }
}

TEST(PairGroups, PairsOutSmallGroupsAndListsLargeOnes) {
  const std::vector<uint64_t> keys{5, 5, 5, 5, 9, 9, 9};
  const std::vector<uint32_t> documents{11, 14, 16, 17, 10, 12, 15};
  std::vector<uint64_t> pairs(3);
  const PairedGroups found = pair_groups(keys.data(), documents.data(), keys.size(), 0, 3, pairs.data(), pairs.size());
  EXPECT_EQ(found.next, keys.size());
  EXPECT_EQ(found.num_pairs, 3u);
  EXPECT_EQ(pairs, (std::vector<uint64_t>{10ull << 32 | 12, 10ull << 32 | 15, 12ull << 32 | 15}));
  EXPECT_EQ(found.crowded, (std::vector<uint32_t>{11, 14, 16, 17}));
}

TEST(PairGroups, StopBeforeAGroupThatFindsNoRoom) {
  const std::vector<uint64_t> keys{5, 5, 9, 9, 9};
  const std::vector<uint32_t> documents{1, 2, 3, 4, 5};
  std::vector<uint64_t> pairs(3);
  const PairedGroups first = pair_groups(keys.data(), documents.data(), keys.size(), 0, 64, pairs.data(), pairs.size());
  EXPECT_EQ(first.next, 2u);
  EXPECT_EQ(first.num_pairs, 1u);
  const PairedGroups second =
      pair_groups(keys.data(), documents.data(), keys.size(), 2, 64, pairs.data(), pairs.size());
  EXPECT_EQ(second.next, 5u);
  EXPECT_EQ(second.num_pairs, 3u);
}

TEST(SelectPart, DealsEveryRowToOnePartButTheExcluded) {
  std::mt19937_64 random(4);
  for (const size_t words : {1u, 2u}) {
    constexpr size_t kRows = 1000;
    constexpr uint32_t kParts = 7;
    std::vector<uint64_t> hashes(kRows * words);
    for (uint64_t& hash : hashes) hash = random();
    std::vector<uint8_t> excluded((16 + kRows) / 8);
    for (uint8_t& byte : excluded) byte = static_cast<uint8_t>(random() & random());
    std::set<uint32_t> seen;
    std::vector<uint64_t> out(hashes.size());
    std::vector<uint32_t> documents(kRows);
    for (uint32_t part = 0; part < kParts; ++part) {
      const size_t count =
          select_part(hashes.data(), words, kRows, part, kParts, 16, excluded.data(), out.data(), documents.data());
      EXPECT_TRUE(std::is_sorted(documents.begin(), documents.begin() + static_cast<ptrdiff_t>(count)));
      for (size_t i = 0; i < count; ++i) {
        EXPECT_TRUE(seen.insert(documents[i]).second);
        const size_t row = documents[i] - 16;
        for (size_t word = 0; word < words; ++word) EXPECT_EQ(out[i * words + word], hashes[row * words + word]);
        EXPECT_EQ((out[i * words + words - 1] >> 32) * kParts >> 32, part);
      }
    }
    for (uint32_t document = 16; document < 16 + kRows; ++document) {
      EXPECT_EQ(seen.contains(document), (excluded[document / 8] >> (document % 8) & 1) == 0);
    }
  }
}

TEST(EqualGroups, NeedBothWordsOfTheHash) {
  const std::vector<uint64_t> hashes{1, 1, 2, 5, 1, 2, 1, 1, 2, 5, 2, 5};
  const EqualGroups groups = equal_groups(hashes.data(), 6);
  EXPECT_EQ(groups.members, (std::vector<uint32_t>{0, 3, 1, 4, 5}));
  EXPECT_EQ(groups.offsets, (std::vector<uint32_t>{0, 2, 5}));
}

TEST(Jaccard, IntersectionsAreLeftOnlyWhereTheyCannotReach) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    const auto draw = [&](uint64_t most) {
      std::set<uint64_t> elements;
      for (uint64_t left = random() % most; left > 0; --left) elements.insert(random() % 400);
      return std::vector<uint64_t>(elements.begin(), elements.end());
    };
    const std::vector<uint64_t> a = draw(400);
    const std::vector<uint64_t> b = draw(200);
    const size_t common = intersection_size(a, b);
    for (const size_t least : {size_t{1}, common, common + 1, common + 50}) {
      if (least == 0) continue;
      EXPECT_EQ(intersection_at_least(a, b, least), common >= least ? common : 0);
    }
  }
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

// Earlier and later set, sizes of intersection and union.
using Pairs = std::set<std::array<uint32_t, 4>>;

bool is_above(size_t common, size_t size_of_union, Ratio threshold) {
  return common * threshold.denominator > size_of_union * threshold.numerator;
}

struct Counting {
  int seen_bits;
  int counter_bits;
};

Pairs joined(const std::vector<Set>& sets, Ratio threshold, Counting counting) {
  Join join({threshold, counting.seen_bits, counting.counter_bits, 1u << 30});
  for (const Set& set : sets) join.see(set);
  std::vector<bool> selected;
  for (const Set& set : sets) selected.push_back(counting.seen_bits == 0 || join.select(set));
  Pairs pairs;
  for (uint32_t i = 0; i < sets.size(); ++i) {
    if (!selected[i]) continue;
    for (const JoinMatch& match : join.find(sets[i])) {
      pairs.insert({match.number, i, match.intersection_size, match.union_size});
    }
    EXPECT_TRUE(join.put(i, sets[i]));
  }
  return pairs;
}

Pairs all_pairs(const std::vector<Set>& sets, Ratio threshold) {
  Pairs pairs;
  for (uint32_t i = 0; i < sets.size(); ++i) {
    for (uint32_t j = 0; j < i; ++j) {
      const uint32_t common = static_cast<uint32_t>(intersection_size(sets[i], sets[j]));
      const uint32_t size_of_union = static_cast<uint32_t>(sets[i].size() + sets[j].size()) - common;
      if (is_above(common, size_of_union, threshold)) pairs.insert({j, i, common, size_of_union});
    }
  }
  return pairs;
}

TEST(Join, EqualsAllPairsAtAnyThresholdHoweverShinglesAreCounted) {
  std::mt19937_64 random(7);
  size_t total = 0;
  for (int round = 0; round < 40; ++round) {
    const std::vector<Set> sets = random_sets(random);
    for (const Ratio threshold : {Ratio{7, 10}, Ratio{1, 2}, Ratio{9, 10}, Ratio{1, 10}, Ratio{0, 1}}) {
      const Pairs expected = all_pairs(sets, threshold);
      for (const Counting counting : {Counting{0, 0}, Counting{16, 8}, Counting{5, 2}, Counting{16, 0}}) {
        ASSERT_EQ(joined(sets, threshold, counting), expected);
      }
      total += expected.size();
    }
  }
  EXPECT_GT(total, 1000u);
}

TEST(Join, AtAHigherThresholdFindsFewer) {
  std::mt19937_64 random(7);
  const std::vector<Set> sets = random_sets(random);
  EXPECT_LT(joined(sets, {95, 100}, {16, 8}).size(), all_pairs(sets, {6, 10}).size());
}

TEST(Join, HoldsNoMoreThanItsCapacityButOneSetAtLeast) {
  std::mt19937_64 random(8);
  std::vector<Set> sets(200);
  for (Set& set : sets) {
    for (int i = 0; i < 300; ++i) set.push_back(random());
    std::sort(set.begin(), set.end());
  }
  for (const uint64_t capacity : {uint64_t{1}, uint64_t{1} << 20, uint64_t{1} << 21}) {
    Join join({{7, 10}, 0, 0, capacity});
    uint32_t held = 0;
    for (; held < sets.size(); ++held) {
      EXPECT_TRUE(join.find(sets[held]).empty());
      if (!join.put(held, sets[held])) break;
    }
    EXPECT_GE(held, 1u);
    EXPECT_LE((held - 1) * sets[0].size() * sizeof(uint64_t), capacity);
    for (uint32_t i = 0; i < sets.size(); ++i) EXPECT_EQ(join.find(sets[i]).size(), i < held ? 1u : 0u);
    join.clear();
    EXPECT_TRUE(join.find(sets[0]).empty());
    EXPECT_TRUE(join.put(0, sets[0]));
  }
}

}  // namespace
}  // namespace millrace
