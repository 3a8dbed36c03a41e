// Laws of the byte-pair encoder: merges follow the definition, the cache and the SIMD level change nothing.
#include "text/bpe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "millrace/tokenizer.h"
#include "text/bpe_merge.h"
#include "text/bpe_vocab.h"
#include "text/merge_borders.h"
#include "text/merge_table.h"
#include "text/pretokenize.h"

namespace millrace {
namespace {

std::vector<SimdLevel> levels() {
  std::vector<SimdLevel> present;
  for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (has_simd_level(level)) present.push_back(level);
  }
  return present;
}

// Single bytes, then a random merge of two earlier tokens over a few of them at a time.
BpeVocab random_vocab(std::mt19937& random, size_t num_merges, std::vector<uint32_t> tokens = {'a', 'b', 'c'}) {
  BpeVocab vocab;
  for (int byte = 0; byte < 256; ++byte) {
    vocab.bytes.push_back(std::string(1, static_cast<char>(byte)));
    vocab.byte_ids[static_cast<size_t>(byte)] = static_cast<uint32_t>(byte);
  }
  for (size_t i = 0; i < num_merges; ++i) {
    const uint32_t left = tokens[random() % tokens.size()];
    const uint32_t right = tokens[random() % tokens.size()];
    const std::string merged = vocab.bytes[left] + vocab.bytes[right];
    bool known = false;
    for (const std::string& bytes : vocab.bytes) known = known || bytes == merged;
    if (known || merged.size() > 40) continue;
    const uint32_t id = static_cast<uint32_t>(vocab.bytes.size());
    vocab.bytes.push_back(merged);
    vocab.merges.push_back({left, right, id});
    tokens.push_back(id);
  }
  return vocab;
}

std::vector<int32_t> merge_by_definition(const BpeVocab& vocab, const std::string& piece) {
  std::vector<uint32_t> ids;
  for (char c : piece) ids.push_back(static_cast<uint8_t>(c));
  for (;;) {
    size_t best_rank = vocab.merges.size();
    size_t best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (vocab.merges[rank].left != ids[i] || vocab.merges[rank].right != ids[i + 1]) continue;
        best_rank = rank;
        best = i;
      }
    }
    if (best_rank == vocab.merges.size()) return {ids.begin(), ids.end()};
    ids[best] = vocab.merges[best_rank].merged;
    ids.erase(ids.begin() + static_cast<ptrdiff_t>(best) + 1);
  }
}

TEST(MergeTable, FindsEveryMergeAndNoOtherPair) {
  std::mt19937 random(4);
  for (const size_t num_merges : {0, 1, 40, 3000, 70000}) {
    BpeVocab vocab;
    vocab.byte_ids.fill(0);
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> ranks;
    while (vocab.merges.size() < num_merges) {
      const uint32_t left = random() % 2000, right = random() % 2000;
      if (!ranks.emplace(std::pair(left, right), static_cast<uint32_t>(vocab.merges.size())).second) continue;
      vocab.merges.push_back({left, right, random() % 5 == 0 ? 7u : static_cast<uint32_t>(vocab.merges.size())});
    }
    const MergeTable table(vocab);
    for (const auto& [pair, rank] : ranks) {
      ASSERT_EQ(table.rank(pair.first, pair.second), rank);
      ASSERT_EQ(table.merged(rank), vocab.merges[rank].merged);
    }
    for (int i = 0; i < 100000; ++i) {
      const uint32_t left = random() % 2100, right = random() % 2100;
      const auto found = ranks.find({left, right});
      ASSERT_EQ(table.rank(left, right), found == ranks.end() ? MergeTable::kNoRank : found->second);
    }
    ASSERT_EQ(table.rank(MergeTable::kNoToken, MergeTable::kNoToken), MergeTable::kNoRank);
  }
}

TEST(BpeMerger, FollowsTheDefinitionOnPiecesOfAnyLength) {
  std::mt19937 random(2);
  for (int run = 0; run < 200; ++run) {
    const BpeVocab vocab = random_vocab(random, random() % 50);
    const MergeTable table(vocab);
    for (size_t length : {1, 2, 3, 7, 15, 16, 17, 33, 128, 129, 400}) {
      std::string piece;
      for (size_t i = 0; i < length; ++i) piece.push_back(static_cast<char>('a' + random() % 3));
      const auto expected = merge_by_definition(vocab, piece);
      for (const SimdLevel level : levels()) {
        BpeMerger merger(table, level);
        std::vector<int32_t> ids(length);
        ids.resize(merger.merge(reinterpret_cast<const uint8_t*>(piece.data()), length, ids.data()));
        EXPECT_EQ(ids, expected);
      }
    }
  }
}

// The pairs of two ranks take turns: "ab" uncovers a pair with the "c" behind it, which is listed first.
TEST(BpeMerger, FollowsTheDefinitionWhereAMergeIsListedBeforeTheOneThatMakesItsPart) {
  std::mt19937 random(9);
  size_t num_changed = 0;
  for (int run = 0; run < 100; ++run) {
    const BpeVocab listed = random_vocab(random, 2 + random() % 40);
    BpeVocab vocab = listed;
    std::shuffle(vocab.merges.begin(), vocab.merges.end(), random);
    const MergeTable table(vocab);
    BpeMerger merger(table);
    for (size_t length : {100, 129, 400}) {
      std::string piece;
      for (size_t i = 0; i < length; ++i) piece.push_back(static_cast<char>('a' + random() % 3));
      std::vector<int32_t> ids(length);
      ids.resize(merger.merge(reinterpret_cast<const uint8_t*>(piece.data()), length, ids.data()));
      EXPECT_EQ(ids, merge_by_definition(vocab, piece));
      num_changed += ids != merge_by_definition(listed, piece) ? 1 : 0;
    }
  }
  EXPECT_GT(num_changed, 100u) << "the order decides";
}

// Were the rest of a rank's places put back for each pair, this would take minutes, and ten megabytes hours.
TEST(BpeMerger, ComesToAnEndOnMegabytesWherePairsOfTwoRanksTakeTurns) {
  std::mt19937 random(1);
  BpeVocab vocab = random_vocab(random, 0);
  for (const char* token : {"ab", "abc", "ca"}) vocab.bytes.push_back(token);
  vocab.merges = {{256, 'c', 257}, {'a', 'b', 256}, {'c', 'a', 258}};
  const MergeTable table(vocab);
  BpeMerger merger(table);
  const auto merged = [&](const std::string& piece) {
    std::vector<int32_t> ids(piece.size());
    ids.resize(merger.merge(reinterpret_cast<const uint8_t*>(piece.data()), piece.size(), ids.data()));
    return ids;
  };
  constexpr size_t kTimes = 1'000'000;
  std::string piece;
  for (size_t i = 0; i < kTimes; ++i) piece += "abc";
  EXPECT_EQ(merged(piece), std::vector<int32_t>(kTimes, 257));
  const std::string next = "cc" + piece.substr(2, 300);
  EXPECT_EQ(merged(next), merge_by_definition(vocab, next)) << "nothing is left of the piece before";
}

std::vector<int32_t> merged_without_cache(const MergeTable& table, const std::string& text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  std::vector<uint32_t> ends(Gpt2Pretokenizer::kMaxEnds + Gpt2Pretokenizer::kSlack);
  std::vector<int32_t> ids(text.size());
  BpeMerger merger(table);
  Gpt2Pretokenizer pretokenizer;
  pretokenizer.start(bytes, text.size());
  size_t begin = 0, num_ids = 0;
  while (const size_t count = pretokenizer.next(ends.data())) {
    for (size_t i = 0; i < count; begin = ends[i++]) {
      num_ids += merger.merge(bytes + begin, ends[i] - begin, ids.data() + num_ids);
    }
  }
  ids.resize(num_ids);
  return ids;
}

TEST(ByteLevelBpe, DecodingGivesTheBytesBackAndTheCacheChangesNothing) {
  std::mt19937 random(3);
  const BpeVocab vocab = random_vocab(random, 60);
  ByteLevelBpe warm(vocab);
  const MergeTable table(vocab);
  for (int run = 0; run < 300; ++run) {
    std::string text;
    for (size_t i = random() % 200; i > 0; --i) {
      text.push_back(random() % 4 == 0 ? static_cast<char>(random() % 256) : static_cast<char>('a' + random() % 3));
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    IdBuffer warm_ids;
    warm.encode(bytes, text.size(), warm_ids);
    const std::vector<int32_t> ids(warm_ids.data(), warm_ids.data() + warm_ids.size());
    EXPECT_EQ(ids, merged_without_cache(table, text));
    std::string decoded;
    ASSERT_TRUE(warm.decode(ids.data(), ids.size(), decoded).ok());
    EXPECT_EQ(decoded, text);
  }
}

// Characters of one to four bytes from few bytes, so that merges join them in every way; and broken ones.
TEST(ByteLevelBpe, PiecesCutAtBordersAndCharactersByThemselvesGiveTheIdsOfTheWhole) {
  std::mt19937 random(7);
  for (int run = 0; run < 60; ++run) {
    const BpeVocab vocab = random_vocab(random, random() % 80, {0xE3, 0xE4, 0x81, 0x82, 0xC3, 0xF0, 'a', ' '});
    const MergeTable table(vocab);
    ByteLevelBpe warm(vocab);
    const char* const kCharacters[] = {"\xE3\x81\x82",
                                       "\xE4\x82\x81",
                                       "\xE4\x81\x81",
                                       "\xC3\x81",
                                       "\xF0\x82\x81\x82",
                                       "\xE3\x81",
                                       "\x82",
                                       "a",
                                       "a",
                                       " "};
    for (int text_of_run = 0; text_of_run < 40; ++text_of_run) {
      std::string text;
      for (size_t i = random() % 60; i > 0; --i) text += kCharacters[random() % std::size(kCharacters)];
      IdBuffer ids;
      warm.encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), ids);
      ASSERT_EQ(std::vector<int32_t>(ids.data(), ids.data() + ids.size()), merged_without_cache(table, text));
    }
  }
}

TEST(MergeBorders, NoMergeReachesAcrossABorderAndThereIsNoneWhereOneDoes) {
  std::mt19937 random(8);
  for (int run = 0; run < 50; ++run) {
    const BpeVocab vocab = random_vocab(random, 1 + random() % 30);
    const MergeBorders borders(vocab, false);
    for (const BpeMerge& merge : vocab.merges) {
      const std::string joined = vocab.bytes[merge.left] + vocab.bytes[merge.right];
      EXPECT_TRUE(borders.joins(static_cast<uint8_t>(vocab.bytes[merge.left].back()),
                                static_cast<uint8_t>(vocab.bytes[merge.right].front())));
      EXPECT_EQ(borders.next(reinterpret_cast<const uint8_t*>(joined.data()), 0, joined.size()), joined.size());
    }
    EXPECT_FALSE(borders.joins('a', 'z'));
    EXPECT_EQ(borders.next(reinterpret_cast<const uint8_t*>("az"), 0, 2), 1u);
    EXPECT_EQ(MergeBorders(vocab, true).next(reinterpret_cast<const uint8_t*>("az"), 0, 2), 2u);
  }
}

// The key of a cached piece has room for 15 bytes: longer ones, zeros and near-equal pieces must not be taken for it.
TEST(ByteLevelBpe, APieceIsNotTakenForACachedOne) {
  std::mt19937 random(5);
  const BpeVocab vocab = random_vocab(random, 20);
  ByteLevelBpe warm(vocab);
  const MergeTable table(vocab);
  const auto check = [&](const std::string& text) {
    IdBuffer ids;
    warm.encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), ids);
    ASSERT_EQ(std::vector<int32_t>(ids.data(), ids.data() + ids.size()), merged_without_cache(table, text));
  };
  for (size_t length = 1; length <= 300; ++length) {
    check(std::string(length, '\0'));
    check(std::string(1, 'a').append(length, '\0'));
    check(std::string(length, 'a'));
    for (char last = 'm'; last <= 'p'; ++last) check(std::string(length, 'b') + last);
  }
}

std::vector<int32_t> ids_of(const BpeVocab& vocab, const BpeOptions& options, const std::string& text) {
  ByteLevelBpe bpe(vocab, options);
  IdBuffer ids;
  bpe.encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), ids);
  return {ids.data(), ids.data() + ids.size()};
}

TEST(ByteLevelBpe, OptionsChangeWhatTheySay) {
  std::mt19937 random(6);
  BpeVocab vocab = random_vocab(random, 0);
  vocab.spelled.assign(vocab.bytes.size(), true);
  const auto add = [&](const char* token, bool spelled) {
    vocab.bytes.push_back(token);
    vocab.spelled.push_back(spelled);
    return static_cast<int32_t>(vocab.bytes.size() - 1);
  };
  const int32_t whole = add("word", true);
  const int32_t long_whole = add("incomprehensibilities", true);
  const int32_t added = add("special", false);
  BpeOptions options;
  EXPECT_EQ(ids_of(vocab, options, "word").size(), 4u);
  options.ignore_merges = true;
  EXPECT_EQ(ids_of(vocab, options, "word"), std::vector<int32_t>{whole});
  EXPECT_EQ(ids_of(vocab, options, "incomprehensibilities"), std::vector<int32_t>{long_whole});
  EXPECT_EQ(ids_of(vocab, options, "special").size(), 7u) << "text never becomes id " << added;
  options.prefix_space = true;
  EXPECT_EQ(ids_of(vocab, options, "a"), ids_of(vocab, options, " a"));
  EXPECT_EQ(ids_of(vocab, options, "a"), (std::vector<int32_t>{' ', 'a'}));
  EXPECT_EQ(ids_of(vocab, options, ""), std::vector<int32_t>{});
}

TEST(TokenizerApi, AnErrorLeavesTheOutputsAlone) {
  mr_tokenizer* tokenizer = nullptr;
  const std::string vocab = "{\"a\": 0}";
  const auto* bytes = reinterpret_cast<const uint8_t*>(vocab.data());
  EXPECT_EQ(mr_tokenizer_create_bpe(bytes, vocab.size(), bytes, 0, &tokenizer), MR_INVALID_ARGUMENT);
  EXPECT_EQ(tokenizer, nullptr);
  EXPECT_NE(std::string(mr_last_error()).find("expected a token for byte"), std::string::npos);
  mr_tokenizer_destroy(nullptr);
}

}  // namespace
}  // namespace millrace
