// The JSON grammar against the files of JSONTestSuite, and strings there and back.
#include "text/json_cursor.h"

#include <gtest/gtest.h>

#include "json_test_suite.h"
#include "text/unicode.h"

namespace millrace {
namespace {

const uint8_t* bytes_of(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

// A whole document: valid UTF-8, one value, nothing but white space around it.
bool accepts(std::string_view text) {
  if (valid_utf8_prefix(bytes_of(text), text.size()) != text.size()) return false;
  JsonCursor cursor(bytes_of(text), bytes_of(text) + text.size());
  cursor.skip_whitespace();
  if (!cursor.skip_value(0)) return false;
  cursor.skip_whitespace();
  return cursor.at_end();
}

std::string unescaped(std::string_view json, bool* lone_surrogate) {
  JsonCursor cursor(bytes_of(json), bytes_of(json) + json.size());
  ByteBuffer buffer;
  std::string_view value;
  *lone_surrogate = false;
  return cursor.read_string(buffer, &value, lone_surrogate) ? std::string(value)
                                                            : "fault: " + std::string(cursor.fault());
}

TEST(JsonCursor, AcceptsAndRefusesTheFilesOfTheTestSuite) {
  testing::visit_json_test_suite([](const std::string& name, const std::string& text) {
    if (name[0] == 'y') {
      EXPECT_TRUE(accepts(text)) << name;
    } else if (name[0] == 'n') {
      EXPECT_FALSE(accepts(text)) << name;
    } else {
      accepts(text);
    }
  });
}

TEST(JsonCursor, NestingIsBounded) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(accepts(nested(kMaxJsonDepth)));
  EXPECT_FALSE(accepts(nested(kMaxJsonDepth + 1)));
  EXPECT_FALSE(accepts(std::string(1000000, '[')));
}

TEST(JsonCursor, EveryPrefixOfAValueIsRefused) {
  const std::string text = R"({"a":[1,-2.5e+3,true,null,"\u00e9\n"],"b":{"c":false}})";
  for (size_t length = 0; length < text.size(); ++length) EXPECT_FALSE(accepts(text.substr(0, length))) << length;
  EXPECT_TRUE(accepts(text));
}

TEST(JsonCursor, EscapesBecomeTheirCharacters) {
  bool lone;
  EXPECT_EQ(unescaped(R"("\"\\\/\b\f\n\r\t\u0041\u00e9\u20AC\ud83d\uDE00")", &lone),
            "\"\\/\b\f\n\r\tA\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_FALSE(lone);
  EXPECT_EQ(unescaped(R"("\u0000")", &lone), std::string(1, '\0'));
}

TEST(JsonCursor, AStringWithoutEscapesIsNotCopied) {
  const std::string json = R"("plain" "esc\u0061ped")";
  JsonCursor cursor(bytes_of(json), bytes_of(json) + json.size());
  ByteBuffer buffer;
  std::string_view value;
  bool lone;
  ASSERT_TRUE(cursor.read_string(buffer, &value, &lone));
  EXPECT_EQ(value, "plain");
  EXPECT_EQ(value.data(), json.data() + 1);
  cursor.skip_whitespace();
  ASSERT_TRUE(cursor.read_string(buffer, &value, &lone));
  EXPECT_EQ(value, "escaped");
  EXPECT_EQ(value.data(), buffer.view().data());
}

TEST(JsonCursor, HalfASurrogatePairIsReported) {
  for (const char* text :
       {R"("\ud800")", R"("\udc00")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800\ud800")", R"("\udc00\ud800")"}) {
    bool lone;
    EXPECT_EQ(unescaped(text, &lone).substr(0, 3), "\xEF\xBF\xBD") << text;
    EXPECT_TRUE(lone) << text;
  }
}

TEST(JsonCursor, WritingAStringAndReadingItGivesItBack) {
  std::string text;
  for (uint32_t c = 0; c < 0x3000; ++c) append_utf8(text, c);
  for (size_t begin = 0; begin < 40; ++begin) {
    const std::string_view part = std::string_view(text).substr(begin, 127 - begin);
    std::string json;
    append_json_string(bytes_of(part), part.size(), json);
    bool lone;
    EXPECT_EQ(unescaped(json, &lone), part);
  }
  std::string json;
  append_json_string(bytes_of(text), text.size(), json);
  bool lone;
  EXPECT_EQ(unescaped(json, &lone), text);
  EXPECT_EQ(json.find('\n'), std::string::npos);
}

TEST(JsonCursor, ASpecialByteIsFoundAtEveryPlace) {
  for (const char special : {'"', '\\', '\n', '\0', '\x1F'}) {
    for (size_t at = 0; at < 50; ++at) {
      std::string text(50, '\x7F');
      text[0] = ' ';
      text[at] = special;
      EXPECT_EQ(find_json_special(bytes_of(text), bytes_of(text) + text.size()) - bytes_of(text),
                static_cast<ptrdiff_t>(at));
    }
  }
  const std::string none = "\x20\x21\x23\x5B\x5D\x7F\x80\xFF abcdefghijklmnopqrstuvwxyz";
  EXPECT_EQ(find_json_special(bytes_of(none), bytes_of(none) + none.size()), bytes_of(none) + none.size());
}

}  // namespace
}  // namespace millrace
