// Words, on every SIMD level: block and piece borders, scripts, composition.
#include "text/words.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace millrace {
namespace {

using Words = std::vector<std::string>;

std::vector<SimdLevel> levels() {
  std::vector<SimdLevel> out;
  for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (has_simd_level(level)) out.push_back(level);
  }
  return out;
}

Words words_of(std::string_view text, SimdLevel level = best_simd_level()) {
  // Copied without slack behind the last byte, so that a sanitizer sees a read beyond it.
  const std::vector<char> exact(text.begin(), text.end());
  WordSplitter splitter(level);
  splitter.start({exact.data(), exact.size()});
  Words words;
  for (;;) {
    const WordSplitter::Step step = splitter.next();
    if (step == WordSplitter::Step::kNotComposed) {
      splitter.compose();
      words.clear();
      continue;
    }
    const auto edges = splitter.edges();
    for (size_t i = 0; i < edges.size(); i += 2) {
      words.emplace_back(reinterpret_cast<const char*>(splitter.folded()) + edges[i], edges[i + 1] - edges[i]);
    }
    if (step == WordSplitter::Step::kEnd) return words;
  }
}

// One code point at a time, no masks: the definition as plainly as it can be said.
Words words_by_definition(std::string_view text) {
  std::string composed;
  append_nfc(text, composed);
  std::string folded;
  const auto* bytes = reinterpret_cast<const uint8_t*>(composed.data());
  for (size_t position = 0; position < composed.size();) {
    const uint32_t c = decode_utf8(bytes, position);
    const auto folding = case_folding(c);
    if (folding.empty()) append_utf8(folded, c);
    for (const uint32_t f : folding) append_utf8(folded, f);
  }
  Words words;
  bool open = false;
  bytes = reinterpret_cast<const uint8_t*>(folded.data());
  for (size_t position = 0; position < folded.size();) {
    const size_t start = position;
    const uint8_t kind = char_class(decode_utf8(bytes, position));
    const std::string character = folded.substr(start, position - start);
    if ((kind & (kLetter | kMark | kNumber)) == 0) {
      open = false;
    } else if ((kind & kUnspaced) != 0) {
      words.push_back(character);
      open = false;
    } else if (open) {
      words.back() += character;
    } else {
      words.push_back(character);
      open = true;
    }
  }
  return words;
}

TEST(Words, AreRunsOfLettersMarksAndNumbersWithoutCase) {
  EXPECT_EQ(words_of("One, two-THREE; 4_five"), (Words{"one", "two", "three", "4", "five"}));
  EXPECT_EQ(words_of("Stra\xc3\x9f"
                     "e"),
            Words{"strasse"});
  EXPECT_EQ(words_of("cafe\xcc\x81"), words_of("CAF\xc3\x89"));
  EXPECT_NE(words_of("cafe\xcc\x81"), words_of("cafe"));
}

TEST(Words, OfUnspacedScriptsAreSingleCharacters) {
  EXPECT_EQ(words_of("iPhone\xe6\x89\x8b\xe6\xa9\x9f"
                     "15"),
            (Words{"iphone", "\xe6\x89\x8b", "\xe6\xa9\x9f", "15"}));
}

TEST(Words, MeetTheDefinitionAcrossBlockBordersOnEveryLevel) {
  const Words pieces{"a",
                     "B",
                     "7",
                     " ",
                     ", ",
                     "\xc3\xa9",
                     "\xe6\x89\x8b",
                     "\xf0\x9d\x90\x80",
                     "\xcc\x81",
                     "x",
                     "_",
                     "\xe2\x80\x99",
                     "\xce\x90",
                     "\xe1\xba\x9e",
                     "Z",
                     "\xe0\xb8\x81\xe0\xb8\xb4"};
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const size_t length = random() % 300;
    const size_t kinds = round % 3 == 0 ? 5 : pieces.size();
    while (text.size() < length) text += pieces[random() % kinds];
    const Words expected = words_by_definition(text);
    for (const SimdLevel level : levels()) ASSERT_EQ(words_of(text, level), expected) << text;
  }
}

TEST(Words, MeetTheDefinitionAcrossPieceBorders) {
  std::mt19937 random(2);
  for (const std::string unit :
       {"abc de ", "\xe6\x89\x8b", "\xce\x90", "\xce\x90 ", "\xc5\x89", "a\xe6\x89\x8b", "x"}) {
    for (int round = 0; round < 4; ++round) {
      std::string text(random() % 5, '-');
      while (text.size() < 2 * WordSplitter::kPieceBytes + 100) text += unit;
      // What comes last shows in a late piece that the text is not NFC.
      if (round % 2 == 1) text += " e\xcc\x81";
      const Words expected = words_by_definition(text);
      for (const SimdLevel level : levels()) ASSERT_EQ(words_of(text, level), expected) << unit;
    }
  }
}

TEST(Words, AWordOfAnyLengthThatEndsTheTextIsWhole) {
  for (const SimdLevel level : levels()) {
    for (size_t length = 1; length < 200; ++length) {
      ASSERT_EQ(words_of(std::string(length, 'q'), level), Words{std::string(length, 'q')});
      ASSERT_EQ(words_of(std::string(length, 'q') + ".", level), Words{std::string(length, 'q')});
    }
  }
}

TEST(Words, AreNoneInTextWithoutLetters) {
  EXPECT_EQ(words_of(""), Words{});
  EXPECT_EQ(words_of(" \xe2\x80\x99!"), Words{});
}

}  // namespace
}  // namespace millrace
