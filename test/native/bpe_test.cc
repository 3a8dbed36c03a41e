// Laws of the byte-pair encoder: pieces cover the text, merges follow the definition, memory outside is never read.
#include "text/bpe.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "millrace/tokenizer.h"
#include "text/bpe_merge.h"
#include "text/bpe_vocab.h"
#include "text/pretokenize.h"

namespace millrace {
namespace {

std::vector<std::string> pieces_of(const std::string& text, size_t capacity = 64) {
  // An exact allocation: a read past the end is seen by the address sanitizer.
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[text.size()]);
  std::copy(text.begin(), text.end(), bytes.get());
  std::vector<std::string> pieces;
  std::vector<size_t> ends(capacity);
  for (size_t position = 0; position < text.size();) {
    const size_t count = next_pretokens(bytes.get(), text.size(), position, ends.data(), capacity);
    EXPECT_GT(count, 0u);
    for (size_t i = 0; i < count; ++i) {
      EXPECT_GT(ends[i], position);
      pieces.push_back(text.substr(position, ends[i] - position));
      position = ends[i];
    }
  }
  return pieces;
}

TEST(Pretokenize, CutsAsThePatternSays) {
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(pieces_of("Hello world, it's 12 o'clock."),
            (Pieces{"Hello", " world", ",", " it", "'s", " 12", " o", "'", "clock", "."}));
  EXPECT_EQ(pieces_of("a  b\t\n c "), (Pieces{"a", " ", " b", "\t\n", " c", " "}));
  EXPECT_EQ(pieces_of("we'll they'REd x'll"), (Pieces{"we", "'ll", " they", "'", "REd", " x", "'ll"}));
  EXPECT_EQ(pieces_of("\xC2\x85\xC2\x85x"), (Pieces{"\xC2\x85", "\xC2\x85", "x"}));  // U+0085 is white space
  EXPECT_EQ(pieces_of(" \xEF\xBB\xBFx"), (Pieces{" \xEF\xBB\xBF", "x"}));            // U+FEFF is not
  EXPECT_EQ(pieces_of("na\xC3\xAFve \xE4\xB8\x96\xE7\x95\x8C"), (Pieces{"na\xC3\xAFve", " \xE4\xB8\x96\xE7\x95\x8C"}));
  EXPECT_EQ(pieces_of(""), Pieces{});
}

TEST(Pretokenize, MalformedBytesAreCharactersOfTheirOwn) {
  EXPECT_EQ(pieces_of("a\xFF\xC3"), (std::vector<std::string>{"a", "\xFF\xC3"}));
  EXPECT_EQ(pieces_of("\xE4\xB8"), (std::vector<std::string>{"\xE4\xB8"}));
  EXPECT_EQ(pieces_of("\xED\xA0\x80z"), (std::vector<std::string>{"\xED\xA0\x80", "z"}));
}

TEST(Pretokenize, PiecesCoverAnyBytesWhateverTheCapacity) {
  std::mt19937 random(1);
  const std::string alphabet = "ab Z1'\n!\xC3\xA9\xE4\xB8\x96\xFF\x80";
  for (int run = 0; run < 2000; ++run) {
    std::string text;
    for (size_t i = random() % 60; i > 0; --i) text.push_back(alphabet[random() % alphabet.size()]);
    const auto whole = pieces_of(text);
    std::string joined;
    for (const auto& piece : whole) joined += piece;
    EXPECT_EQ(joined, text);
    EXPECT_EQ(pieces_of(text, 1), whole);
  }
}

// Single bytes, then a random merge of two earlier tokens over "abc" at a time.
BpeVocab random_vocab(std::mt19937& random, size_t num_merges) {
  BpeVocab vocab;
  for (int byte = 0; byte < 256; ++byte) {
    vocab.bytes.push_back(std::string(1, static_cast<char>(byte)));
    vocab.byte_ids[static_cast<size_t>(byte)] = static_cast<uint32_t>(byte);
  }
  std::vector<uint32_t> tokens = {'a', 'b', 'c'};
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

TEST(BpeMerger, FollowsTheDefinitionOnPiecesOfAnyLength) {
  std::mt19937 random(2);
  for (int run = 0; run < 200; ++run) {
    const BpeVocab vocab = random_vocab(random, random() % 50);
    const MergeTable table(vocab);
    BpeMerger merger(table);
    for (size_t length : {size_t{1}, size_t{2}, size_t{17}, size_t{128}, size_t{129}, size_t{400}}) {
      std::string piece;
      for (size_t i = 0; i < length; ++i) piece.push_back(static_cast<char>('a' + random() % 3));
      std::vector<int32_t> ids(length);
      ids.resize(merger.merge(reinterpret_cast<const uint8_t*>(piece.data()), length, ids.data()));
      EXPECT_EQ(ids, merge_by_definition(vocab, piece));
    }
  }
}

TEST(ByteLevelBpe, DecodingGivesTheBytesBackAndTheCacheChangesNothing) {
  std::mt19937 random(3);
  const BpeVocab vocab = random_vocab(random, 60);
  ByteLevelBpe warm(vocab);
  for (int run = 0; run < 300; ++run) {
    std::string text;
    for (size_t i = random() % 200; i > 0; --i) {
      text.push_back(random() % 4 == 0 ? static_cast<char>(random() % 256) : static_cast<char>('a' + random() % 3));
    }
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    IdBuffer warm_ids;
    warm.encode(bytes, text.size(), warm_ids);
    ByteLevelBpe cold(vocab);
    IdBuffer cold_ids;
    cold.encode(bytes, text.size(), cold_ids);
    const std::vector<int32_t> ids(warm_ids.data(), warm_ids.data() + warm_ids.size());
    EXPECT_EQ(ids, std::vector<int32_t>(cold_ids.data(), cold_ids.data() + cold_ids.size()));
    std::string decoded;
    ASSERT_TRUE(warm.decode(ids.data(), ids.size(), decoded).ok());
    EXPECT_EQ(decoded, text);
  }
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
