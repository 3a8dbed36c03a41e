// Shingles, content hashes and sets: against the definitions of docs/formats/dedup.md, written out plainly, on every
// SIMD level.
#include "text/shingles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace millrace {
namespace {

using Hashes = std::vector<uint64_t>;

constexpr SimdLevel kLevels[] = {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512};

class Collector : public ShingleSink {
 public:
  void begin_document() override { hashes.clear(); }
  void add_shingles(const uint64_t* first, size_t count) override { hashes.insert(hashes.end(), first, first + count); }
  Hashes hashes;
};

Hashes shingles_of(std::string_view text, Shingling shingling = {}, SimdLevel level = best_simd_level()) {
  Shingler shingler(shingling, level);
  Collector collector;
  shingler.shingle(text, collector);
  return collector.hashes;
}

// Of docs/formats/dedup.md, with its letters.
constexpr uint64_t A = 0x243f6a8885a308d3, B = 0x13198a2e03707345, C = 0xa4093822299f31d1, D = 0x082efa98ec4e6c89;

uint64_t mix(uint64_t x) {
  x ^= x >> 32;
  x *= C;
  x ^= x >> 29;
  x *= D;
  return x ^ x >> 32;
}

uint64_t word_at(const std::string& bytes, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8 && at + i < bytes.size(); ++i) {
    value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return value;
}

Hash128 unit_by_definition(const std::string& unit) {
  uint64_t s = C + 2 * unit.size();
  size_t at = 0;
  for (;; at += 16) {
    const auto product = static_cast<unsigned __int128>(word_at(unit, at) ^ A) *
                         static_cast<unsigned __int128>(word_at(unit, at + 8) ^ s);
    const auto low = static_cast<uint64_t>(product);
    s = low ^ static_cast<uint64_t>(product >> 64);
    if (unit.size() - at <= 16) return {s, low};
  }
}

struct Definition {
  Hashes shingles;
  Hash128 content;
};

Definition by_definition(const std::vector<std::string>& units, size_t size) {
  Definition out{{}, {0, 0}};
  std::vector<Hash128> hashes;
  for (const std::string& unit : units) hashes.push_back(unit_by_definition(unit));
  const uint64_t n = units.size();
  for (uint64_t i = 0; i < n; ++i) {
    out.content.low += mix(hashes[i].low + (i + 1) * A);
    out.content.high += mix(hashes[i].high + (i + 1) * B);
  }
  out.content = {mix(n + out.content.low), mix(n + out.content.high)};
  const size_t k = std::min<size_t>(size, n);
  for (size_t i = 0; i + k <= n; ++i) {
    uint64_t sum = 0;
    for (size_t j = 0; j < k; ++j) sum = sum * A + hashes[i + j].low;
    out.shingles.push_back(mix(sum + k * B));
  }
  return out;
}

std::vector<std::string> random_words(std::mt19937& random, size_t count) {
  std::vector<std::string> words;
  for (size_t i = 0; i < count; ++i) {
    std::string word;
    for (size_t length = 1 + random() % (random() % 8 == 0 ? 70 : 9); length > 0; --length)
      word += static_cast<char>('a' + random() % 26);
    words.push_back(word);
  }
  return words;
}

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

TEST(Shingles, AreThoseOfTheDefinitionOnEveryLevel) {
  std::mt19937 random(5);
  for (const size_t count : {1u, 2u, 4u, 5u, 6u, 12u, 13u, 20u, 100u, 9000u}) {
    for (const int size : {1, 2, 5, 8, 12, 13, 40}) {
      const auto words = random_words(random, count);
      const Definition expected = by_definition(words, static_cast<size_t>(size));
      for (const SimdLevel level : kLevels) {
        if (!has_simd_level(level)) continue;
        Shingler shingler({ShingleUnit::kWord, size}, level);
        Collector collector;
        shingler.shingle(joined(words, ", "), collector);
        ASSERT_EQ(collector.hashes, expected.shingles) << count << " words, " << size;
        ASSERT_EQ(shingler.content_hash().low, expected.content.low);
        ASSERT_EQ(shingler.content_hash().high, expected.content.high);
        ASSERT_EQ(shingler.normalized_bytes(), joined(words, " ").size());
      }
    }
  }
}

TEST(Shingles, OfCharactersHaveOneSpaceBetweenWords) {
  const std::vector<std::string> units{"a", "b", " ", "c", " ", "\xe6\x89\x8b", "\xe6\xa9\x9f", "d"};
  const Definition expected = by_definition(units, 3);
  Shingler shingler({ShingleUnit::kCharacter, 3});
  Collector collector;
  shingler.shingle(
      "..AB -- c \xe6\x89\x8b\xe6\xa9\x9f"
      "D!",
      collector);
  EXPECT_EQ(collector.hashes, expected.shingles);
  EXPECT_EQ(shingler.content_hash().low, expected.content.low);
  EXPECT_EQ(shingler.normalized_bytes(), joined(units, "").size());
}

// Pieces begin anywhere in a word: a long text of characters is the same as by definition.
TEST(Shingles, OfCharactersCrossPieces) {
  std::mt19937 random(6);
  const std::string text = joined(random_words(random, 4000), " ");
  ASSERT_GT(text.size(), WordSplitter::kPieceBytes);
  std::vector<std::string> units;
  for (const char c : text) units.emplace_back(1, c);
  EXPECT_EQ(shingles_of(text, {ShingleUnit::kCharacter, 5}), by_definition(units, 5).shingles);
}

TEST(Shingles, DependOnOrderAndNumberOfWords) {
  EXPECT_NE(shingles_of("a b c d e"), shingles_of("b a c d e"));
  EXPECT_NE(shingles_of("a b c"), shingles_of("a b"));
  EXPECT_NE(shingles_of("a b c"), shingles_of("abc"));
  EXPECT_NE(shingles_of("a a a"), shingles_of("a a"));
}

TEST(Shingles, OfAWordlessTextAreTheTextItself) {
  EXPECT_EQ(shingles_of("!!!"), shingles_of("!!!"));
  EXPECT_NE(shingles_of("!!!"), shingles_of("!!"));
  EXPECT_NE(shingles_of(""), shingles_of(" "));
  EXPECT_EQ(shingles_of("").size(), 1u);
  for (const SimdLevel level : kLevels) {
    if (has_simd_level(level)) {
      EXPECT_EQ(shingles_of(std::string(77, '?'), {}, level), shingles_of(std::string(77, '?')));
    }
  }
}

TEST(Shingles, OfATextThatHasToBeComposedAreThoseOfItsComposedForm) {
  const std::string rest = joined(std::vector<std::string>(9000, "word"), " ");
  EXPECT_EQ(shingles_of(rest + " cafe\xcc\x81"), shingles_of(rest + " caf\xc3\xa9"));
  EXPECT_NE(shingles_of(rest + " cafe\xcc\x81"), shingles_of(rest + " cafe"));
}

TEST(ContentHash, IsThatOfTheNormalisedText) {
  Shingler shingler(Shingling{});
  Collector collector;
  const auto content = [&](std::string_view text) {
    shingler.shingle(text, collector);
    return std::pair(shingler.content_hash().low, shingler.content_hash().high);
  };
  EXPECT_EQ(content("One two,  THREE"), content("one Two\nthree!"));
  EXPECT_NE(content("one two three"), content("one twothree"));
  EXPECT_NE(content("one two"), content("two one"));
  shingler.shingle("One two,  THREE", collector);
  EXPECT_EQ(shingler.normalized_bytes(), std::string("one two three").size());
  shingler.shingle("?!", collector);
  EXPECT_EQ(shingler.normalized_bytes(), 2u);
}

TEST(HashBytes, IsThatOfTheDefinitionOnEveryLevel) {
  std::mt19937 random(8);
  std::string text;
  for (size_t length = 0; length < 200; ++length) {
    Hash128 expected{0, 0};
    for (uint64_t i = 0; 8 * i < length; ++i) {
      expected.low += mix(word_at(text, 8 * i) + (i + 1) * A);
      expected.high += mix(word_at(text, 8 * i) + (i + 1) * B);
    }
    expected = {mix(length + expected.low), mix(length + expected.high)};
    const std::vector<uint8_t> exact(text.begin(), text.end());
    for (const SimdLevel level : kLevels) {
      if (!has_simd_level(level)) continue;
      const Hash128 hash = hash_bytes(exact.data(), exact.size(), level);
      ASSERT_EQ(hash.low, expected.low) << length;
      ASSERT_EQ(hash.high, expected.high) << length;
      ASSERT_EQ(hash_bytes_low(exact.data(), exact.size(), level), expected.low);
    }
    text += static_cast<char>(random());
  }
}

TEST(ShingleSet, IsSortedAndHasEachHashOnce) {
  std::mt19937_64 random(9);
  for (const size_t count : {1u, 2u, 3u, 31u, 33u, 100u, 700u, 5000u}) {
    for (const uint64_t mask : {~0ull, 0xffull, ~0ull << 56}) {
      Hashes hashes;
      for (size_t i = 0; i < count; ++i) hashes.push_back(random() & mask);
      ShingleSet set;
      set.begin_document();
      set.add_shingles(hashes.data(), count / 2);
      set.add_shingles(hashes.data() + count / 2, count - count / 2);
      const std::set<uint64_t> expected(hashes.begin(), hashes.end());
      ASSERT_EQ(set.finish(), Hashes(expected.begin(), expected.end()));
    }
  }
}

}  // namespace
}  // namespace millrace
