// Laws of WordPiece: the longest token first, as by trying them all; the text's windows change nothing.
#include "text/word_piece.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "text/bert_text.h"
#include "text/unicode.h"

namespace millrace {
namespace {

const uint8_t* bytes_of(const std::string& text) { return reinterpret_cast<const uint8_t*>(text.data()); }

std::vector<int32_t> encode(TokenEncoder& encoder, const std::string& text) {
  IdBuffer ids;
  encoder.encode(bytes_of(text), text.size(), ids);
  return {ids.data(), ids.data() + ids.size()};
}

std::vector<int32_t> cut_by_definition(const std::vector<std::string>& tokens, const std::string& word,
                                       const WordPieceOptions& options) {
  const auto id_of = [&](const std::string& wanted) {
    for (size_t id = tokens.size(); id > 0; --id) {
      if (tokens[id - 1] == wanted) return static_cast<int32_t>(id - 1);
    }
    return -1;
  };
  std::vector<int32_t> ids;
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    int32_t id = -1;
    for (; end > begin; --end) {
      std::string wanted = begin > 0 ? options.prefix : std::string();
      id = id_of(wanted.append(word, begin, end - begin));
      if (id >= 0) break;
    }
    if (id < 0 || word.size() > options.most_characters) return {id_of(options.unknown)};
    ids.push_back(id);
    begin = end;
  }
  return ids;
}

TEST(WordPiece, CutsAsTheDefinitionDoes) {
  std::mt19937 random(1);
  for (int run = 0; run < 100; ++run) {
    WordPieceOptions options;
    options.words.reset();
    options.unknown = std::string(1, '?');
    options.prefix.assign(run % 3 == 0 ? 0 : 2, '#');
    options.most_characters = run % 5 == 0 ? 7 : 100;
    std::vector<std::string> tokens = {"?"};
    for (size_t i = random() % 40; i > 0; --i) {
      std::string token = random() % 2 == 0 ? options.prefix : std::string();
      for (size_t n = random() % 6; n > 0; --n) token += "ab#"[random() % 3];
      tokens.push_back(token);
    }
    std::unique_ptr<TokenEncoder> encoder;
    ASSERT_TRUE(WordPiece::create(tokens, options, &encoder).ok());
    for (int text = 0; text < 100; ++text) {
      std::string word;
      for (size_t n = random() % 30; n > 0; --n) word += "ab#"[random() % 3];
      ASSERT_EQ(encode(*encoder, word), cut_by_definition(tokens, word, options)) << word;
    }
  }
}

TEST(WordPiece, AWordOfTenMegabytesIsUnknownAndFollowedByWords) {
  std::unique_ptr<TokenEncoder> encoder;
  ASSERT_TRUE(WordPiece::create({"[UNK]", "a", "##a"}, {}, &encoder).ok());
  EXPECT_EQ(encode(*encoder, std::string(10'000'000, 'a').append(" a")), (std::vector<int32_t>{0, 1}));
  EXPECT_EQ(encode(*encoder, std::string(100, 'a')).size(), 100u);
  EXPECT_EQ(encode(*encoder, std::string(101, 'a')), std::vector<int32_t>{0});
  EXPECT_EQ(encode(*encoder, std::string(1'000'000, '!')).size(), 1'000'000u);
}

TEST(WordPiece, RefusesAVocabularyWithoutItsUnknownTokenAndIdsWithoutToken) {
  std::unique_ptr<TokenEncoder> encoder;
  EXPECT_FALSE(WordPiece::create({"a"}, {}, &encoder).ok());
  EXPECT_FALSE(WordPiece::create({}, {}, &encoder).ok());
  EXPECT_FALSE(WordPiece::create({"[UNK]", std::string(9 << 20, 'a')}, {}, &encoder).ok());
  EXPECT_EQ(encoder, nullptr);
  ASSERT_TRUE(WordPiece::create({"[UNK]", "a", "##b"}, {}, &encoder).ok());
  std::string decoded;
  const int32_t ids[] = {1, 2, 1, 3};
  ASSERT_TRUE(encoder->decode(ids, 3, decoded).ok());
  EXPECT_EQ(decoded, "ab a");
  EXPECT_FALSE(encoder->decode(ids, 4, decoded).ok());
}

std::vector<std::string> words_of(const BertTextOptions& options, const std::string& text) {
  BertText splitter(options, 1000);
  splitter.start(bytes_of(text), text.size());
  std::vector<std::string> words;
  while (const size_t count = splitter.next()) {
    uint32_t begin = 0;
    for (size_t i = 0; i < count; begin = splitter.ends()[i++]) {
      words.emplace_back(splitter.words() + begin, splitter.words() + splitter.ends()[i]);
    }
  }
  return words;
}

TEST(BertText, EachSwitchDoesWhatItSays) {
  using Words = std::vector<std::string>;
  const std::string text = "\xC3\x89t\xC3\xA9\x01 A\xE4\xB8\x80!";  // E-acute t e-acute U+0001 A U+4E00
  EXPECT_EQ(words_of({}, text), (Words{"ete", "a", "\xE4\xB8\x80", "!"}));
  EXPECT_EQ(words_of({false, true, true, true}, text), (Words{"ete\x01", "a", "\xE4\xB8\x80", "!"}));
  EXPECT_EQ(words_of({true, false, true, true}, text), (Words{"ete", "a\xE4\xB8\x80", "!"}));
  EXPECT_EQ(words_of({true, true, false, true}, text), (Words{"\xC3\xA9t\xC3\xA9", "a", "\xE4\xB8\x80", "!"}));
  EXPECT_EQ(words_of({true, true, true, false}, text), (Words{"Ete", "A", "\xE4\xB8\x80", "!"}));
  EXPECT_EQ(words_of({true, true, false, true}, "\xC4\xB0"), Words{"i\xCC\x87"}) << "U+0130 becomes two characters";
}

TEST(BertText, AnyBytesAreCutAndWhatIsNotUtf8IsAReplacementCharacter) {
  std::mt19937 random(3);
  for (int run = 0; run < 2000; ++run) {
    std::string text;
    for (size_t n = random() % 60; n > 0; --n) text += static_cast<char>(random() % 3 == 0 ? random() % 128 : random());
    for (const std::string& word : words_of({false, true, true, true}, text)) {
      ASSERT_EQ(valid_utf8_prefix(bytes_of(word), word.size()), word.size());
      ASSERT_FALSE(word.empty());
    }
  }
  EXPECT_EQ(words_of({false, true, true, true}, "a\xFF"), std::vector<std::string>{"a\xEF\xBF\xBD"});
}

// Windows are of 4,096 bytes: each text stands at each place around the end of one.
TEST(BertText, WhereAWindowEndsChangesNothing) {
  const std::string text =
      "caf\xCC\x81\xCC\xA3"
      "e\xC3\xA9 \xE4\xB8\x80x\xF0\x9D\x85\xA5\xF0\x9D\x85\xAE !y 12";
  const auto expected = words_of({}, text);
  for (size_t place = 4096 - text.size() - 2; place <= 4098; ++place) {
    auto words = words_of({}, std::string(place, ' ').append(text));
    EXPECT_EQ(words, expected) << place;
    words = words_of({}, std::string(place - 1, '.').append(" ").append(text));
    words.erase(words.begin(), words.begin() + static_cast<ptrdiff_t>(place - 1));
    EXPECT_EQ(words, expected) << place;
  }
}

}  // namespace
}  // namespace millrace
