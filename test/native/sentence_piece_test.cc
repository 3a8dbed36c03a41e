// SentencePiece models made here, field by field: what is refused, how texts are cut, that damage never leads astray.
// That ids are the official library's is shown in test/parity/sentence-piece.test.ts.
#include "text/sentence_piece.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "text/unicode.h"

namespace millrace {
namespace {

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

std::string bytes_field(int number, std::string_view bytes) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(bytes.size()) + std::string(bytes);
}

std::string number_field(int number, uint64_t value) {
  return varint(static_cast<uint64_t>(number) << 3) + varint(value);
}

std::string piece(std::string_view text, float score, PieceType type = PieceType::kNormal) {
  const uint32_t bits = std::bit_cast<uint32_t>(score);
  std::string fields = bytes_field(1, text) + "\x15";
  for (int shift = 0; shift < 32; shift += 8) fields.push_back(static_cast<char>(bits >> shift));
  return bytes_field(1, fields + number_field(3, static_cast<uint64_t>(type)));
}

const std::string kHead = piece("<unk>", 0, PieceType::kUnknown) + piece("</s>", 0, PieceType::kControl);
const std::string kBpe = bytes_field(2, number_field(3, 2));
const std::string kPlainSpaces = bytes_field(3, number_field(3, 0) + number_field(4, 0));

std::string refusal(std::string_view model) {
  std::unique_ptr<SentencePiece> encoder;
  return SentencePiece::create(model, &encoder).message();
}

std::vector<int32_t> ids_of(std::string_view model, std::string_view text) {
  std::unique_ptr<SentencePiece> encoder;
  const Status status = SentencePiece::create(model, &encoder);
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  IdBuffer ids;
  encoder->encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), ids);
  return {ids.data(), ids.data() + ids.size()};
}

TEST(SentencePiece, WhatIsNoModelIsRefused) {
  const std::string good = kHead + piece("a", -1);
  EXPECT_EQ(refusal(good), "");
  EXPECT_NE(refusal("").find("got a file that is none or is damaged"), std::string::npos);
  EXPECT_NE(refusal("hello, this is no model").find("is damaged"), std::string::npos);
  for (size_t length = 1; length < good.size(); ++length) {
    // Cut between two pieces it is a smaller model.
    if (length == kHead.size()) continue;
    EXPECT_NE(refusal(good.substr(0, length)), "") << length;
  }
  EXPECT_NE(refusal(good + bytes_field(2, number_field(3, 3))).find("got one of words"), std::string::npos);
  EXPECT_NE(refusal(good + bytes_field(2, number_field(3, 4))).find("got one of characters"), std::string::npos);
  EXPECT_NE(refusal(good + bytes_field(2, number_field(3, 9))).find("is damaged"), std::string::npos);
}

TEST(SentencePiece, PiecesThatTheOfficialLibraryRefusesAreRefused) {
  EXPECT_NE(refusal(piece("a", -1)).find("expected an unknown piece"), std::string::npos);
  EXPECT_NE(refusal(kHead + piece("a", -1) + piece("a", -2)).find("piece 3, got a again"), std::string::npos);
  EXPECT_NE(refusal(kHead + piece("", -1)).find("expected text for piece 2"), std::string::npos);
  EXPECT_NE(refusal(kHead + piece(std::string_view("\0a", 2), -1)).find("NUL"), std::string::npos);
  EXPECT_NE(refusal(kHead + piece("\xFF", -1)).find("UTF-8"), std::string::npos);
  EXPECT_NE(refusal(kHead + piece("a", std::bit_cast<float>(0x7FC00000u))).find("finite"), std::string::npos);
  EXPECT_NE(refusal(kHead + piece("<0x41>", 0, PieceType::kByte)).find("byte fallback"), std::string::npos);
  const std::string fallback = bytes_field(2, number_field(35, 1));
  EXPECT_NE(refusal(kHead + piece("a", -1) + fallback).find("expected 256 byte pieces, got 0"), std::string::npos);
}

TEST(SentencePiece, ADamagedCharsmapIsRefused) {
  const auto with = [](std::string_view charsmap) {
    return kHead + piece("a", -1) + bytes_field(3, bytes_field(2, charsmap));
  };
  std::string map = std::string("\x00\x04\x00\x00", 4) + std::string(1024, '\0');
  EXPECT_NE(refusal(with("abc")).find("charsmap"), std::string::npos);
  EXPECT_NE(refusal(with(map + std::string("x\0", 2))).find("charsmap"), std::string::npos);
}

TEST(SentencePiece, TheHighestSumWinsAndOfEqualOnesTheFirstFound) {
  const std::string space = kHead + piece("\xE2\x96\x81", -1);
  const std::string model = space + piece("a", -1) + piece("b", -1) + piece("ab", -1.5f) + kPlainSpaces;
  EXPECT_EQ(ids_of(model, "ab"), (std::vector<int32_t>{5}));
  EXPECT_EQ(ids_of(model, "ba b"), (std::vector<int32_t>{4, 3, 2, 4}));
  // "aa" + "a" and "a" + "aa" have one sum: the longer piece is offered to the end first.
  const std::string tied = space + piece("a", -1) + piece("aa", -1.5f) + kPlainSpaces;
  EXPECT_EQ(ids_of(tied, "aaa"), (std::vector<int32_t>{3, 4}));
}

TEST(SentencePiece, TheHighestScoreMergesFirstAndOfEqualOnesTheLeftmost) {
  const std::string letters = kHead + kBpe + kPlainSpaces + piece("a", -9) + piece("b", -9) + piece("c", -9);
  EXPECT_EQ(ids_of(letters + piece("ab", -2) + piece("bc", -1), "abc"), (std::vector<int32_t>{2, 6}));
  EXPECT_EQ(ids_of(letters + piece("ab", -1) + piece("bc", -1), "abc"), (std::vector<int32_t>{5, 4}));
}

TEST(SentencePiece, CharactersWithoutAPieceAreOneUnknownIdARun) {
  const std::string model = kHead + piece("\xE2\x96\x81", -1) + piece("a", -1) + kPlainSpaces;
  EXPECT_EQ(ids_of(model, "xyzaxy a"), (std::vector<int32_t>{0, 3, 0, 2, 3}));
  // No piece for the space: the run goes on across it.
  EXPECT_EQ(ids_of(kHead + piece("a", -1) + kPlainSpaces, "x y a"), (std::vector<int32_t>{0, 2}));
}

TEST(SentencePiece, NamesOfControlSymbolsAreOrdinaryText) {
  const std::string model = kHead + piece("<", -1) + piece("/", -1) + piece("s", -1) + piece(">", -1) + kPlainSpaces;
  EXPECT_EQ(ids_of(model, "</s>"), (std::vector<int32_t>{2, 3, 4, 5}));
  EXPECT_EQ(ids_of(model + kBpe, "</s>"), (std::vector<int32_t>{2, 3, 4, 5}));
}

TEST(SentencePiece, IdsOutsideTheVocabularyAreRefused) {
  std::unique_ptr<SentencePiece> encoder;
  ASSERT_TRUE(SentencePiece::create(kHead + piece("a", -1), &encoder).ok());
  std::string text;
  for (const int32_t id : {-1, 3}) EXPECT_FALSE(encoder->decode(&id, 1, text).ok()) << id;
}

// Under the sanitizers (native/CMakePresets.json): whatever a file holds, it is refused or encodes within bounds.
TEST(SentencePiece, ADamagedModelNeverReadsOrWritesAstray) {
  std::string model = kHead + kPlainSpaces;
  std::mt19937 random(7);
  std::set<std::string> texts;
  for (int i = 0; i < 80; ++i) {
    std::string text = i % 3 == 0 ? "\xE2\x96\x81" : "";
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      text += random() % 4 == 0 ? "\xC3\xA9" : std::string(1, static_cast<char>('a' + random() % 6));
    }
    if (!texts.insert(text).second) continue;
    model += piece(text, -static_cast<float>(i), i % 20 == 19 ? PieceType::kUserDefined : PieceType::kNormal);
  }
  const std::string text = "abc \xC3\xA9 \xFF cab  fed \xE2\x96\x81 dead \xE3\x81\x82";
  size_t num_loaded = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = model + (round % 2 == 0 ? "" : kBpe);
    for (unsigned n = 1 + random() % 3; n > 0; --n) damaged[random() % damaged.size()] = static_cast<char>(random());
    std::unique_ptr<SentencePiece> encoder;
    if (!SentencePiece::create(damaged, &encoder).ok()) continue;
    ++num_loaded;
    IdBuffer ids;
    encoder->encode(reinterpret_cast<const uint8_t*>(text.data()), text.size(), ids);
    std::string decoded;
    EXPECT_TRUE(encoder->decode(ids.data(), ids.size(), decoded).ok());
    EXPECT_EQ(valid_utf8_prefix(reinterpret_cast<const uint8_t*>(decoded.data()), decoded.size()), decoded.size());
  }
  EXPECT_GT(num_loaded, 100u);
}

}  // namespace
}  // namespace millrace
