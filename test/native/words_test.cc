// Words, shingles and content hashes: block borders, scripts, short and wordless texts.
#include "text/words.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "text/shingles.h"

namespace millrace {
namespace {

using Words = std::vector<std::string>;

Words words_of(std::string_view text) {
  FoldedText folded;
  folded.assign(text);
  Words words;
  for_each_word(folded, [&](size_t begin, size_t end) {
    words.emplace_back(reinterpret_cast<const char*>(folded.data()) + begin, end - begin);
  });
  return words;
}

// One code point at a time, no masks: the definition as plainly as it can be said.
Words words_by_definition(std::string_view text) {
  FoldedText folded;
  folded.assign(text);
  Words words;
  bool open = false;
  for (size_t position = 0; position < folded.size();) {
    const size_t start = position;
    const uint8_t kind = char_class(decode_utf8(folded.data(), position));
    const std::string character(reinterpret_cast<const char*>(folded.data()) + start, position - start);
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
}

TEST(Words, OfUnspacedScriptsAreSingleCharacters) {
  EXPECT_EQ(words_of("iPhone\xe6\x89\x8b\xe6\xa9\x9f"
                     "15"),
            (Words{"iphone", "\xe6\x89\x8b", "\xe6\xa9\x9f", "15"}));
}

TEST(Words, MeetTheDefinitionAcrossBlockBorders) {
  const Words pieces{"a",        "B", "7", " ",           ", ", "\xc3\xa9", "\xe6\x89\x8b", "\xf0\x9d\x90\x80",
                     "\xcc\x81", "x", "_", "\xe2\x80\x99"};
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    const size_t length = random() % 200;
    const bool ascii = round % 3 == 0;
    while (text.size() < length) text += pieces[random() % (ascii ? 5 : pieces.size())];
    ASSERT_EQ(words_of(text), words_by_definition(text)) << text;
  }
}

TEST(Words, AWordOfAnyLengthThatEndsTheTextIsWhole) {
  for (size_t length = 1; length < 200; ++length) {
    ASSERT_EQ(words_of(std::string(length, 'q')), Words{std::string(length, 'q')});
  }
}

std::vector<uint64_t> shingles_of(std::string_view text, Shingling shingling = {}) {
  Shingler shingler(shingling);
  return shingler.shingle(text);
}

TEST(Shingles, RollToTheSameHashesAsFreshOnes) {
  const Words words{"one", "two", "three", "four", "five", "six", "seven", "eight"};
  std::string text;
  for (const std::string& word : words) text += word + " ";
  const std::vector<uint64_t> rolled = shingles_of(text);
  ASSERT_EQ(rolled.size(), 4u);
  for (size_t i = 0; i < rolled.size(); ++i) {
    std::string five;
    for (size_t j = i; j < i + 5; ++j) five += words[j] + ", ";
    EXPECT_EQ(shingles_of(five), std::vector<uint64_t>{rolled[i]});
  }
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
}

TEST(ContentHash, IsThatOfTheNormalisedText) {
  Shingler shingler(Shingling{});
  const auto content = [&](std::string_view text) {
    shingler.shingle(text);
    return std::pair(shingler.content_hash().low, shingler.content_hash().high);
  };
  EXPECT_EQ(content("One two,  THREE"), content("one Two\nthree!"));
  EXPECT_NE(content("one two three"), content("one twothree"));
  EXPECT_NE(content("one two"), content("two one"));
  shingler.shingle("One two,  THREE");
  EXPECT_EQ(shingler.normalized_bytes(), std::string("one two three").size());
  shingler.shingle("?!");
  EXPECT_EQ(shingler.normalized_bytes(), 2u);
}

}  // namespace
}  // namespace millrace
