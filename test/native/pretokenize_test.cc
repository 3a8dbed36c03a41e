// Laws of the pre-tokenizer: pieces are those of the pattern, on every SIMD level, for any bytes, and nothing outside
// the text is read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "text/pretokenizer.h"
#include "text/unicode.h"
#include "text/unicode_tables.h"

namespace millrace {
namespace {

using Pieces = std::vector<std::string>;

std::vector<SimdLevel> levels() {
  std::vector<SimdLevel> present;
  for (const SimdLevel level : {SimdLevel::kScalar, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (has_simd_level(level)) present.push_back(level);
  }
  return present;
}

template <typename AnyPretokenizer>
Pieces pieces_by(AnyPretokenizer pretokenizer, const std::string& text) {
  // An exact allocation: a read past the end is seen by the address sanitizer.
  std::unique_ptr<uint8_t[]> bytes(new uint8_t[text.size()]);
  std::copy(text.begin(), text.end(), bytes.get());
  Pieces pieces;
  std::vector<uint32_t> ends(Gpt2Pretokenizer::kMaxEnds + Gpt2Pretokenizer::kSlack);
  pretokenizer.start(bytes.get(), text.size());
  size_t begin = 0;
  while (const size_t count = pretokenizer.next(ends.data())) {
    for (size_t i = 0; i < count; ++i) {
      EXPECT_GT(ends[i], begin);
      pieces.push_back(text.substr(begin, ends[i] - begin));
      begin = ends[i];
    }
  }
  EXPECT_EQ(begin, text.size());
  return pieces;
}

Pieces pieces_of(const std::string& text, SimdLevel level = best_simd_level()) {
  return pieces_by(Gpt2Pretokenizer(level), text);
}

Pieces pieces_of(const std::string& text, const char* pattern) {
  PretokenPattern parsed;
  EXPECT_TRUE(parse_pretoken_pattern(pattern, &parsed).ok());
  return pieces_by(Pretokenizer(parsed), text);
}

// The pattern read word by word: alternatives in order, each as long as it can be.
class Definition {
 public:
  explicit Definition(const std::string& text) : text_(text) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    for (size_t position = 0; position < text.size();) {
      size_t end = position;
      uint32_t code_point = 0;
      const size_t longest = std::min<size_t>(4, text.size() - position);
      for (size_t length = 1; length <= longest; ++length) {
        if (valid_utf8_prefix(bytes + position, length) != length) continue;
        code_point = decode_utf8(bytes, end);
        break;
      }
      if (end == position) ++end;
      const uint8_t bits = code_point == 0 && end == position + 1 ? 0 : pretoken_class(code_point);
      characters_.push_back({position, bits & kLetter ? 'L' : bits & kNumber ? 'N' : bits & kWhitespace ? 'W' : 'O'});
      position = end;
    }
    characters_.push_back({text.size(), 'E'});
  }

  Pieces pieces() const {
    Pieces pieces;
    for (size_t at = 0; at + 1 < characters_.size();) {
      const size_t end = match(at);
      pieces.push_back(text_.substr(characters_[at].position, characters_[end].position - characters_[at].position));
      at = end;
    }
    return pieces;
  }

 private:
  struct Character {
    size_t position;
    char kind;
  };

  size_t match(size_t at) const {
    const std::string rest = text_.substr(characters_[at].position, 3);
    for (const char* contraction : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
      if (rest.rfind(contraction, 0) == 0) return at + std::string(contraction).size();
    }
    const size_t body = at + (rest[0] == ' ' ? 1 : 0);
    const char kind = characters_[body].kind;
    if (kind == 'L' || kind == 'N' || kind == 'O') return run_end(body, kind);
    const size_t end = run_end(at, 'W');
    return characters_[end].kind == 'E' || end == at + 1 ? end : end - 1;
  }

  size_t run_end(size_t at, char kind) const {
    while (characters_[at].kind == kind) ++at;
    return at;
  }

  const std::string& text_;
  std::vector<Character> characters_;
};

TEST(Pretokenize, CutsAsThePatternSays) {
  EXPECT_EQ(pieces_of("Hello world, it's 12 o'clock."),
            (Pieces{"Hello", " world", ",", " it", "'s", " 12", " o", "'", "clock", "."}));
  EXPECT_EQ(pieces_of("a  b\t\n c "), (Pieces{"a", " ", " b", "\t\n", " c", " "}));
  EXPECT_EQ(pieces_of("we'll they'REd x'll"), (Pieces{"we", "'ll", " they", "'", "REd", " x", "'ll"}));
  EXPECT_EQ(pieces_of("'s"), (Pieces{"'s"}));
  EXPECT_EQ(pieces_of("\xC2\x85\xC2\x85x"), (Pieces{"\xC2\x85", "\xC2\x85", "x"}));  // U+0085 is white space
  EXPECT_EQ(pieces_of(" \xEF\xBB\xBFx"), (Pieces{" \xEF\xBB\xBF", "x"}));            // U+FEFF is not
  EXPECT_EQ(pieces_of("na\xC3\xAFve \xE4\xB8\x96\xE7\x95\x8C"), (Pieces{"na\xC3\xAFve", " \xE4\xB8\x96\xE7\x95\x8C"}));
  EXPECT_EQ(pieces_of(""), Pieces{});
}

TEST(Pretokenize, MalformedBytesAreCharactersOfTheirOwn) {
  EXPECT_EQ(pieces_of("a\xFF\xC3"), (Pieces{"a", "\xFF\xC3"}));
  EXPECT_EQ(pieces_of("\xE4\xB8"), (Pieces{"\xE4\xB8"}));
  EXPECT_EQ(pieces_of("\xED\xA0\x80z"), (Pieces{"\xED\xA0\x80", "z"}));
}

// Every place relative to the words of 64 bytes and to the window, which has 4,096.
TEST(Pretokenize, EveryPlaceOfATextIsCutAlike) {
  const std::string parts[] = {"'ll", "don't",    " \n x", "\xE3\x80\x80\xE3\x80\x80y", "\xF0\x9F\x98\x80!",
                               "a1",  "\xC2\xA0z"};
  for (const std::string& part : parts) {
    for (const std::string& filling : {std::string("b"), std::string(" "), std::string("?")}) {
      for (size_t before : {0, 60, 4025, 4090, 8120}) {
        for (size_t shift = 0; shift < 10; ++shift) {
          std::string text;
          while (text.size() < before + shift) text += filling;
          text += part + filling + part;
          const Pieces expected = Definition(text).pieces();
          for (const SimdLevel level : levels()) ASSERT_EQ(pieces_of(text, level), expected) << text.size();
        }
      }
    }
  }
}

TEST(Pretokenize, AnyBytesAreCutAsThePatternSaysOnEverySimdLevel) {
  const std::string parts[] = {"a",
                               "b",
                               "Z",
                               "1",
                               "23",
                               " ",
                               "  ",
                               "\n",
                               "'",
                               "'s",
                               "'ll",
                               "'re",
                               "s",
                               "t",
                               "ve",
                               "!",
                               "..",
                               "\xC2\x85",
                               "\xC2\xA0",
                               "\xC3\xA9",
                               "\xE3\x80\x80",
                               "\xFF",
                               "\x80",
                               "\xE4\xB8",
                               "\xD9\xA3",
                               "\t",
                               "word",
                               "\xE2\x80\x83",
                               "\xE4\xB8\x96",
                               "\xEF\xBB\xBF",
                               "\xF0\x9F\x98\x80",
                               "\xF0\x9D\x9F\x98"};
  constexpr size_t kParts = std::size(parts);
  std::mt19937 random(1);
  for (int run = 0; run < 4000; ++run) {
    const size_t size = run % 40 == 0 ? random() % 20000 : random() % 200;
    const size_t first = random() % kParts;
    const size_t variety = 1 + random() % kParts;
    std::string text;
    while (text.size() < size) text += parts[(first + random() % variety) % kParts];
    const Pieces expected = Definition(text).pieces();
    for (const SimdLevel level : levels()) ASSERT_EQ(pieces_of(text, level), expected);
    ASSERT_NE(Definition(text + "x1").pieces(), expected);
  }
}

// Pieces as Python's regex module gives them for the patterns of pretokenizer.h.
TEST(Pretokenizer, CutsAsItsPatternSays) {
  const std::string contractions = "I'LL don't WE'\xC5\xBF x";
  EXPECT_EQ(pieces_of(contractions, "llama3"), (Pieces{"I", "'LL", " don", "'t", " WE", "'\xC5\xBF", " x"}));
  EXPECT_EQ(pieces_of(contractions, "qwen2"), pieces_of(contractions, "llama3"));
  EXPECT_EQ(pieces_of(contractions, "o200k"), (Pieces{"I'LL", " don't", " WE'\xC5\xBF", " x"}));
  EXPECT_EQ(pieces_of("a12345 6", "llama3"), (Pieces{"a", "123", "45", " ", "6"}));
  EXPECT_EQ(pieces_of("a123", "qwen2"), (Pieces{"a", "1", "2", "3"}));
  EXPECT_EQ(pieces_of("  x \n \n  y\t", "llama3"), (Pieces{" ", " x", " \n \n", " ", " y", "\t"}));
  EXPECT_EQ(pieces_of("(a) ==\r\n//z", "llama3"), (Pieces{"(a", ")", " ==\r\n", "//", "z"}));
  EXPECT_EQ(pieces_of("a==//\n/b", "o200k"), (Pieces{"a", "==//\n/", "b"}));
  EXPECT_EQ(pieces_of(contractions, "tekken"), (Pieces{"I", "'LL", " don", "'t", " WE", "'\xC5\xBF", " x"}));
  EXPECT_EQ(pieces_of("camelCase==//\n/b 12", "tekken"), (Pieces{"camel", "Case", "==//\n/", "b", " ", "1", "2"}));
  EXPECT_EQ(pieces_of("camelCase HTTPServer ABC", "o200k"), (Pieces{"camel", "Case", " HTTPServer", " ABC"}));
  // U+02B0 is a letter without case, U+0301 a mark: either may end the capitals.
  EXPECT_EQ(pieces_of("AB\xCA\xB0"
                      "CD",
                      "o200k"),
            (Pieces{"AB\xCA\xB0", "CD"}));
  EXPECT_EQ(pieces_of("\xCC\x81"
                      "AB",
                      "o200k"),
            (Pieces{"\xCC\x81", "AB"}));
  EXPECT_EQ(pieces_of(std::string("any \xFF\0 thing", 12), "whole"), (Pieces{std::string("any \xFF\0 thing", 12)}));
  PretokenPattern parsed;
  EXPECT_FALSE(parse_pretoken_pattern("gpt3", &parsed).ok());
}

TEST(Pretokenizer, EveryPatternCoversAnyBytes) {
  std::mt19937 random(2);
  for (const char* pattern : {"gpt2", "llama3", "qwen2", "o200k", "tekken", "whole"}) {
    for (int run = 0; run < 500; ++run) {
      std::string text(random() % 9000, ' ');
      for (char& c : text) c = static_cast<char>(random() % 3 == 0 ? random() % 256 : "a B1\n'\xC3\xA9"[random() % 8]);
      std::string joined;
      for (const std::string& piece : pieces_of(text, pattern)) joined += piece;
      ASSERT_EQ(joined, text);
    }
  }
}

}  // namespace
}  // namespace millrace
