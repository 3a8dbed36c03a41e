// Laws of the cache of pieces: what it answers is what the encoder behind it would, however often it forgets.
#include "text/piece_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace millrace {
namespace {

// Ids that name the piece: made from its length and its bytes.
std::vector<int32_t> encoded(const std::string& piece, size_t most_ids) {
  std::vector<uint32_t> names(std::min(most_ids, piece.size()), static_cast<uint32_t>(piece.size()));
  for (size_t i = 0; i < piece.size(); ++i) {
    uint32_t& name = names[i % names.size()];
    name = name * 31 + static_cast<uint8_t>(piece[i]);
  }
  return {names.begin(), names.end()};
}

struct Counted {
  std::vector<int32_t> ids;
  size_t num_missed = 0;
};

Counted encode(PieceCache& cache, const std::vector<std::string>& pieces, size_t most_ids) {
  std::string text;
  std::vector<uint32_t> ends;
  for (const std::string& piece : pieces) {
    text += piece;
    ends.push_back(static_cast<uint32_t>(text.size()));
  }
  Counted result;
  result.ids.resize(text.size() + PieceCache::kSlack);
  const int32_t* end = cache.encode(
      reinterpret_cast<const uint8_t*>(text.data()), text.size(), 0, ends.data(), ends.size(), result.ids.data(),
      [](size_t, size_t piece_end) { return piece_end; },
      [&](const uint8_t* piece, size_t length, int32_t* out) {
        ++result.num_missed;
        const auto ids = encoded({reinterpret_cast<const char*>(piece), length}, most_ids);
        std::copy(ids.begin(), ids.end(), out);
        return ids.size();
      });
  result.ids.resize(static_cast<size_t>(end - result.ids.data()));
  return result;
}

std::vector<std::string> random_pieces(std::mt19937& random, size_t count, size_t most_bytes, int num_letters) {
  std::vector<std::string> pieces(count);
  for (std::string& piece : pieces) {
    for (size_t i = 1 + random() % most_bytes; i > 0; --i) {
      piece += static_cast<char>(random() % static_cast<unsigned>(num_letters));
    }
  }
  return pieces;
}

TEST(PieceCache, AnswersWhatTheEncoderDoes) {
  std::mt19937 random(1);
  PieceCache cache;
  for (const size_t most_bytes : {3, 15, 17, 40, 300}) {
    for (int run = 0; run < 20; ++run) {
      const auto pieces = random_pieces(random, 1 + random() % 500, most_bytes, run % 2 == 0 ? 2 : 256);
      // Another number of ids is another encoder.
      PieceCache fresh;
      for (PieceCache* each : {&cache, &fresh}) {
        const Counted result = encode(*each, pieces, 16);
        std::vector<int32_t> expected;
        for (const std::string& piece : pieces) {
          for (const int32_t id : encoded(piece, 16)) expected.push_back(id);
        }
        ASSERT_EQ(result.ids, expected);
      }
    }
  }
}

TEST(PieceCache, KnowsAPieceTheSecondTimeUpTo128Bytes) {
  for (const size_t length : {1, 4, 5, 15, 16, 17, 31, 128, 129, 1000}) {
    PieceCache cache;
    const std::vector<std::string> pieces = {std::string(length, 'x')};
    EXPECT_EQ(encode(cache, pieces, 1000).num_missed, 1u);
    EXPECT_EQ(encode(cache, pieces, 1000).num_missed, length <= 128 ? 0u : 1u) << length;
  }
}

TEST(PieceCache, ForgetsWhenItIsFullAndGoesOn) {
  std::mt19937 random(2);
  PieceCache cache;
  const std::vector<std::string> first = {std::string(100, 'x')};
  encode(cache, first, 200);
  // 20,000 pieces of 128 ids are more than there is room for.
  std::vector<std::string> many;
  for (int i = 0; i < 20000; ++i) many.push_back(std::to_string(100000 + i) + std::string(122, 'y'));
  for (int round = 0; round < 2; ++round) {
    const Counted result = encode(cache, many, 128);
    ASSERT_EQ(result.ids.size(), 128u * many.size());
    for (size_t i = 0; i < many.size(); i += 97) {
      const auto expected = encoded(many[i], 128);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), result.ids.begin() + static_cast<ptrdiff_t>(128 * i)));
    }
  }
  EXPECT_EQ(encode(cache, first, 200).num_missed, 1u);
}

}  // namespace
}  // namespace millrace
