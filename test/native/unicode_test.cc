// Unicode against digests over every code point that other implementations gave (test/parity/unicode_golden.py).
#include "text/unicode.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "text/nfc_check.h"

namespace millrace {
namespace {

std::map<std::string, std::string> golden() {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../parity/golden-unicode.txt");
  std::map<std::string, std::string> digests;
  for (std::string name, digest; file >> name >> digest;) digests[name] = digest;
  return digests;
}

std::string fnv1a(std::string_view bytes) {
  uint64_t value = 0xCBF29CE484222325u;
  for (const char byte : bytes) value = (value ^ static_cast<uint8_t>(byte)) * 0x100000001B3u;
  char digest[17];
  std::snprintf(digest, sizeof digest, "%016llx", static_cast<unsigned long long>(value));
  return digest;
}

// Every code point that UTF-8 can hold, each followed by `after`.
std::string all_characters(std::string_view after) {
  std::string text;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    append_utf8(text, c);
    text += after;
  }
  return text;
}

std::string nfc(std::string_view text) {
  std::string out;
  append_nfc(text, out);
  return out;
}

std::vector<uint32_t> decoded(std::string_view text) {
  std::vector<uint32_t> code_points;
  for (size_t position = 0; position < text.size();) {
    code_points.push_back(decode_utf8(reinterpret_cast<const uint8_t*>(text.data()), position));
  }
  return code_points;
}

std::string folded(std::string_view text) {
  std::string out;
  for (const uint32_t c : decoded(text)) {
    const auto folding = case_folding(c);
    if (folding.empty()) append_utf8(out, c);
    for (const uint32_t f : folding) append_utf8(out, f);
  }
  return out;
}

bool passes_nfc_check(std::string_view text) {
  NfcCheck check;
  for (const uint32_t c : decoded(text)) {
    if (!check.accepts(c, property_of(c))) return false;
  }
  return true;
}

size_t valid_prefix(std::string_view text) {
  return valid_utf8_prefix(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

TEST(Unicode, GoldenDigestsAreOfTheSameVersion) { EXPECT_EQ(golden()["version"], kUnicodeVersion); }

TEST(Unicode, ClassesEqualThoseOfPython) {
  std::string classes;
  for (uint32_t c = 0; c < 0x110000; ++c) classes.push_back(static_cast<char>(char_class(c)));
  EXPECT_EQ(fnv1a(classes), golden()["classes"]);
  EXPECT_EQ(char_class(0x110000), 0);
  EXPECT_EQ(char_class(0xFFFFFFFF), 0);
}

// What tiktoken and Hugging Face tokenizers cut texts by; test/parity compares with the libraries themselves.
TEST(Unicode, PretokenizersKnowTheLettersOfUnicode16) {
  EXPECT_EQ(char_class(0x16EA0), kLetter | kUpper);
  EXPECT_EQ(pretoken_class(0x16EA0), 0);
  EXPECT_EQ(pretoken_class(0x1C89), kLetter | kUpper);
  EXPECT_EQ(char_class(0x295), kLetter);
  EXPECT_EQ(pretoken_class(0x295), kLetter | kLower);
  EXPECT_EQ(pretoken_class('a'), kLetter | kLower);
}

TEST(Unicode, NfcEqualsThatOfPython) {
  EXPECT_EQ(fnv1a(nfc(all_characters("\n"))), golden()["nfc"]);
  EXPECT_EQ(fnv1a(nfc(all_characters("\xCC\xA3\xCC\x81\xE3\x82\x99"))), golden()["nfc-of-marked"]);
}

TEST(Unicode, AMarkMoreGivesAnotherDigest) {
  EXPECT_NE(fnv1a(nfc(all_characters("\n") + "\xCC\x81")), golden()["nfc"]);
}

// The short way that words.cc takes for them rests on this.
TEST(Unicode, IdeographsAreUnspacedLettersThatNeverChange) {
  const auto is_plain = [](uint32_t c) {
    const UnicodeProperty& property = property_of(c);
    return property.char_class == (kLetter | kUnspaced) && property.combining == 0 && property.nfc == 0 &&
           property.folds == 0;
  };
  for (uint32_t c = 0x4E00; c <= 0x9FFF; ++c) ASSERT_TRUE(is_plain(c)) << c;
  EXPECT_FALSE(is_plain(0x4DFF));
}

TEST(Unicode, NfcIsIdempotent) {
  const std::string once = nfc(all_characters("\xCC\xA3\xCC\x81\xE3\x82\x99"));
  EXPECT_EQ(nfc(once), once);
}

// Letters and marks that compose, decompose, change places or do none of this.
std::string random_marked(std::mt19937& random) {
  const uint32_t pieces[] = {'a',    'e',    0xE9,   0x323,  0x301,  0x316,  0x1EB9, 0x921,  0x93C, 0x95C,   0x94D,
                             0x304B, 0x3099, 0x304C, 0x1100, 0x1161, 0x11A8, 0xAC00, 0xAC01, 0x9C7, 0x9BE,   0x9CB,
                             0xE01,  0xE34,  0xE48,  0x4E00, 0x2126, 0x344,  0x385,  0x3B1,  0x345, 0x11131, 0x11127};
  std::string text;
  for (size_t length = random() % 6; length > 0; --length) append_utf8(text, pieces[random() % std::size(pieces)]);
  return text;
}

TEST(Unicode, TextThatPassesTheNfcCheckIsNfc) {
  std::mt19937 random(3);
  size_t passed = 0;
  size_t composed_and_refused = 0;
  for (int round = 0; round < 200000; ++round) {
    const std::string text = random_marked(random);
    const bool is_nfc = nfc(text) == text;
    if (passes_nfc_check(text)) {
      ASSERT_TRUE(is_nfc) << text;
      ++passed;
    } else {
      composed_and_refused += is_nfc ? 1 : 0;
    }
  }
  EXPECT_GT(passed, 50000u);
  // A wrong no costs time only, and is the exception.
  EXPECT_LT(composed_and_refused, passed / 4);
}

TEST(Unicode, TheNfcCheckRefusesWhatComposesAndTakesWhatDoesNot) {
  for (const char* composes : {"e\xCC\x81", "\xE3\x81\x8B\xE3\x82\x99", "\xC3\xA9\xCC\xA3", "a\xCC\x81\xCC\xA3"}) {
    EXPECT_FALSE(passes_nfc_check(composes)) << composes;
  }
  // Hindi: the mark after DDA is never composed.
  EXPECT_TRUE(passes_nfc_check("\xE0\xA4\xA1\xE0\xA4\xBC\xE0\xA5\x8D"));
}

TEST(Unicode, CaseFoldingEqualsThatOfPython) {
  EXPECT_EQ(fnv1a(folded(all_characters("\n"))), golden()["fold"]);
  EXPECT_EQ(folded("Stra\xC3\x9F"
                   "e \xC4\xB0I"),
            "strasse i\xCC\x87i");
}

TEST(Unicode, DecodingTakesBackEncoding) {
  const std::string text = all_characters("");
  const std::vector<uint32_t> code_points = decoded(text);
  EXPECT_EQ(code_points.size(), 0x110000u - 0x800u);
  std::string again;
  for (const uint32_t c : code_points) append_utf8(again, c);
  EXPECT_EQ(again, text);
}

TEST(Utf8, EveryCharacterIsValidAndEveryCutIsSeen) {
  EXPECT_EQ(valid_prefix(all_characters("")), all_characters("").size());
  const std::string text = "a\xC2\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
  for (size_t length = 0; length <= text.size(); ++length) {
    size_t border = length;
    while (border > 0 && border < text.size() && (static_cast<uint8_t>(text[border]) & 0xC0) == 0x80) --border;
    EXPECT_EQ(valid_prefix(text.substr(0, length)), border) << length;
  }
}

TEST(Utf8, MalformedSequencesEndThePrefixAtTheirFirstByte) {
  for (const char* bad : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE0\xA0",
                          "\xED\xA0\x80", "\xED\xBF\xBF", "\xEF\xBF", "\xF0\x8F\xBF\xBF", "\xF0\x90\x80",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFE", "\xFF"}) {
    for (const size_t before : {0u, 1u, 7u, 15u, 16u, 17u, 31u, 40u}) {
      const std::string text = std::string(before, 'a') + bad + std::string(40, 'b');
      EXPECT_EQ(valid_prefix(text), before);
    }
  }
}

// The definition, one byte after the other.
size_t plain_valid_prefix(std::string_view text) {
  size_t position = 0;
  while (position < text.size()) {
    const auto lead = static_cast<uint8_t>(text[position]);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xC0 && lead < 0xE0 ? 2
                          : lead >= 0xE0 && lead < 0xF0 ? 3
                          : lead >= 0xF0 && lead < 0xF8 ? 4
                                                        : 0;
    if (length == 0 || position + length > text.size()) return position;
    uint32_t c = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
      const auto byte = static_cast<uint8_t>(text[position + i]);
      if ((byte & 0xC0) != 0x80) return position;
      c = c << 6 | (byte & 0x3Fu);
    }
    const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[length] || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return position;
    position += length;
  }
  return position;
}

TEST(Utf8, AnySequenceIsJudgedAsByTheDefinition) {
  std::mt19937 random(1);
  const uint8_t bytes[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
                           0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFF};
  constexpr uint32_t kLimits[] = {0x80, 0x800, 0xD800, 0x110000};
  size_t broken = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string text;
    const size_t length = random() % 70;
    while (text.size() < length) {
      const uint32_t c = random() % kLimits[random() % 4];
      if (random() % 16 == 0) {
        text.push_back(static_cast<char>(bytes[random() % sizeof bytes]));
      } else if (c < 0xD800 || c >= 0xE000) {
        append_utf8(text, c);
      }
    }
    const size_t expected = plain_valid_prefix(text);
    ASSERT_EQ(valid_prefix(text), expected) << round;
    broken += expected != text.size() ? 1 : 0;
  }
  EXPECT_GT(broken, 50000u);
}

}  // namespace
}  // namespace millrace
