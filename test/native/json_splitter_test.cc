// The splitter of JSON files, by its laws: how the stream is cut does not matter, every byte keeps its place, and what
// it takes for records is what a reader that recurses over the whole text does.
#include "text/json_splitter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "json_test_suite.h"
#include "text/json_cursor.h"
#include "text/json_marks.h"
#include "text/unicode.h"

namespace millrace {
namespace {

using Path = std::vector<std::string>;

struct Split {
  std::string bytes;  // rewritten, up to the fault
  std::string fault;
  uint64_t complete_until = 0;

  bool operator==(const Split&) const = default;
};

bool is_mark(char byte) { return byte > 0 && byte <= kBarrenEnds; }

// Pushes text[cuts[i] .. cuts[i + 1]) one after another.
Split split(const std::string& text, const Path& path, std::vector<size_t> cuts) {
  JsonSplitter splitter(path);
  Split found;
  cuts.push_back(text.size());
  size_t begin = 0;
  for (const size_t end : cuts) {
    std::string chunk = text.substr(begin, end - begin);
    const size_t good = splitter.push(reinterpret_cast<uint8_t*>(chunk.data()), chunk.size());
    found.bytes += chunk.substr(0, good);
    if (splitter.fault() != nullptr) break;
    begin = end;
  }
  if (splitter.fault() == nullptr) splitter.finish();
  if (splitter.fault() != nullptr) found.fault = splitter.fault();
  found.complete_until = splitter.complete_until();
  return found;
}

// What the splitter must make of a sound text, by recursion over all of it: only records stay, on one line each, and
// marks of the values that a path begins from.
class Reference {
 public:
  Reference(const std::string& text, Path path)
      : text_(text), path_(std::move(path)), out_(text.size(), '\n'), cursor_(begin(), begin() + text.size()) {}

  // Empty when the text is not JSON values one behind another.
  std::optional<std::string> read() {
    bool any = false;
    for (cursor_.skip_whitespace(); !cursor_.at_end(); cursor_.skip_whitespace()) {
      const size_t from = at();
      if (any && touches(from)) return std::nullopt;
      is_fruitful_ = false;
      const bool is_number = cursor_.peek() == '-' || (cursor_.peek() >= '0' && cursor_.peek() <= '9');
      if (!walk(0)) return std::nullopt;
      any = true;
      if (path_.empty()) continue;
      if (is_number)
        std::fill(out_.begin() + static_cast<std::ptrdiff_t>(from), out_.begin() + static_cast<std::ptrdiff_t>(at()),
                  ' ');
      out_[from] = static_cast<char>(is_number ? kBarrenNumber : kValueBegins);
      if (!is_number && !is_fruitful_) out_[at() - 1] = static_cast<char>(kBarrenEnds);
    }
    return any ? std::optional(out_) : std::nullopt;
  }

 private:
  const uint8_t* begin() const { return reinterpret_cast<const uint8_t*>(text_.data()); }
  size_t at() const { return static_cast<size_t>(cursor_.position() - begin()); }

  // A number or literal behind another needs white space.
  bool touches(size_t from) const {
    if (from == 0) return false;
    const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-'; };
    return is_word(text_[from - 1]) && is_word(text_[from]);
  }

  bool walk(size_t depth) {
    is_fruitful_ = is_fruitful_ || depth == path_.size();
    if (depth == path_.size()) return cursor_.peek() == '[' ? elements() : record();
    if (cursor_.peek() != '{') return cursor_.skip_value(0);
    cursor_.advance();
    for (cursor_.skip_whitespace(); cursor_.peek() != '}'; cursor_.skip_whitespace()) {
      ByteBuffer buffer;
      std::string_view name;
      bool lone_surrogate = false;
      if (cursor_.peek() != '"' || !cursor_.read_string(buffer, &name, &lone_surrogate)) return false;
      const bool leads_on = name == path_[depth] && !lone_surrogate;
      cursor_.skip_whitespace();
      if (!cursor_.expect(':', "")) return false;
      cursor_.skip_whitespace();
      if (!(leads_on ? walk(depth + 1) : cursor_.skip_value(0))) return false;
      if (!comma_or('}')) return false;
    }
    cursor_.advance();
    return true;
  }

  bool elements() {
    cursor_.advance();
    for (cursor_.skip_whitespace(); cursor_.peek() != ']'; cursor_.skip_whitespace()) {
      if (!record() || !comma_or(']')) return false;
    }
    cursor_.advance();
    return true;
  }

  // Stops before the closing bracket, or behind a comma that another member follows.
  bool comma_or(char close) {
    cursor_.skip_whitespace();
    if (cursor_.peek() == close) return true;
    if (!cursor_.expect(',', "")) return false;
    cursor_.skip_whitespace();
    return cursor_.peek() != close;
  }

  bool record() {
    const size_t from = at();
    if (!cursor_.skip_value(0)) return false;
    for (size_t i = from; i < at(); ++i) out_[i] = text_[i] == '\n' || text_[i] == '\r' ? ' ' : text_[i];
    return true;
  }

  const std::string& text_;
  const Path path_;
  std::string out_;
  JsonCursor cursor_;
  bool is_fruitful_ = false;
};

class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  size_t below(size_t n) { return random_() % n; }

  // JSON values one behind another, ASCII, with white space of all kinds and names that a path may follow.
  std::string text() {
    std::string out = space();
    for (size_t n = 1 + below(3); n > 0; --n) {
      if (!out.empty() && (std::isalnum(static_cast<unsigned char>(out.back())) != 0)) out += '\n';
      out += value(0) + space();
    }
    return out;
  }

  std::vector<size_t> cuts(size_t length) {
    std::vector<size_t> found(below(5));
    for (size_t& cut : found) cut = below(length + 1);
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  std::string pick(std::vector<std::string> of) { return of[below(of.size())]; }
  std::string space() { return pick({"", "", "", " ", "\n", "\r\n", "\t ", "\n\n "}); }
  std::string string() {
    return '"' +
           pick({"", "a", "items", "b c", "\\n", "\\u0041", "\\\"", "\\\\", "[{]},:", "\\ud83d\\ude00", "x\\/y"}) + '"';
  }
  std::string name() {
    return pick({"\"data\"", "\"items\"", "\"d\\u0061ta\"", "\"x\"", "\"item\"", "\"data.items\""});
  }
  std::string value(int depth) {
    const size_t kind = below(depth > 4 ? 4 : 8);
    if (kind == 0) return pick({"0", "-1", "12.5", "1e9", "-0.25E-3"});
    if (kind == 1) return pick({"true", "false", "null"});
    if (kind < 4) return string();
    const bool is_object = kind < 6;
    std::string out = (is_object ? "{" : "[") + space();
    for (size_t n = below(4), i = 0; i < n; ++i) {
      if (i > 0) out += space() + "," + space();
      if (is_object) out += name() + space() + ":" + space();
      out += value(depth + 1);
    }
    return out + space() + (is_object ? "}" : "]");
  }

  std::mt19937 random_;
};

const std::vector<Path> kPaths = {{}, {"data"}, {"data", "items"}, {"x", "data", "items"}};

// The law of cuts, for anything that splits.
template <class Splitter>
size_t count_cuts_that_matter(Splitter splitter) {
  size_t count = 0;
  Generator generator(1);
  for (int i = 0; i < 2000; ++i) {
    std::string text = generator.text();
    if (i % 3 == 0 && !text.empty()) text[generator.below(text.size())] = "{}[]\",:\\0e\n x"[generator.below(13)];
    const Path& path = kPaths[generator.below(kPaths.size())];
    if (splitter(text, path, generator.cuts(text.size())) != split(text, path, {})) ++count;
  }
  return count;
}

TEST(JsonSplitter, GivesTheSameHoweverTheStreamIsCut) {
  EXPECT_EQ(count_cuts_that_matter(split), 0u);
  for (const std::string text :
       {R"([{"a":"\u00e9\n"},-1.5e+3,true,"x"] {"b":[]})", "\xEF\xBB\xBF[1]", "[nul]", "{\"a\" 1}"}) {
    const Split whole = split(text, {}, {});
    for (size_t i = 0; i <= text.size(); ++i) {
      for (size_t j = i; j <= text.size(); ++j)
        EXPECT_EQ(split(text, {}, {i, j}), whole) << text << " " << i << " " << j;
    }
  }
}

// The law can fail: a splitter that forgets where it was at every cut does not pass.
TEST(JsonSplitter, WithoutMemoryOfWhatCameBeforeWouldNot) {
  const auto forgetful = [](const std::string& text, const Path& path, std::vector<size_t> cuts) {
    Split found;
    cuts.push_back(text.size());
    size_t begin = 0;
    for (const size_t end : cuts) {
      found = split(text.substr(begin, end - begin), path, {});
      begin = end;
    }
    return found;
  };
  EXPECT_GT(count_cuts_that_matter(forgetful), 100u);
}

TEST(JsonSplitter, KeepsEveryByteInItsPlaceAndFindsWhatRecursionFinds) {
  Generator generator(2);
  size_t sound = 0;
  size_t records = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string text = generator.text();
    const bool is_damaged = i % 2 == 0 && !text.empty();
    if (is_damaged) text[generator.below(text.size())] = "{}[]\",:\\0e\n x"[generator.below(13)];
    const Path& path = kPaths[generator.below(kPaths.size())];
    const Split found = split(text, path, generator.cuts(text.size()));
    const std::optional<std::string> expected = Reference(text, path).read();
    ASSERT_EQ(found.fault.empty(), expected.has_value()) << text << "\n" << found.fault;
    ASSERT_TRUE(is_damaged || expected.has_value()) << text;
    for (size_t at = 0; at < found.bytes.size(); ++at) {
      const bool is_line_end = text[at] == '\n' || text[at] == '\r';
      const bool is_outside =
          found.bytes[at] == '\n' || found.bytes[at] == ' ' || (!path.empty() && is_mark(found.bytes[at]));
      ASSERT_TRUE(is_outside || found.bytes[at] == (is_line_end ? ' ' : text[at])) << text << " at " << at;
    }
    if (!expected) continue;
    ++sound;
    ASSERT_EQ(found.bytes, *expected) << text;
    const auto is_of_record = [](char c) { return c != '\n' && !is_mark(c); };
    records += static_cast<size_t>(std::count_if(expected->begin(), expected->end(), is_of_record));
  }
  EXPECT_GT(sound, 2000u);
  EXPECT_GT(records, 10000u);
}

TEST(JsonSplitter, MarksTheValuesInWhichThePathLeadsNowhere) {
  const Split found = split(R"({"data":[1]}{"x":2}3 {"data":{}}"s"[]true 45)", {"data"}, {});
  EXPECT_EQ(found.fault, "");
  EXPECT_EQ(found.bytes, "\2\n\n\n\n\n\n\n\n1\n\n\2\n\n\n\n\n\3\1\n\2\n\n\n\n\n\n\n{}\n\2\n\3\2\3\2\n\n\3\n\1 ");
}

// Half a number is none: it belongs to what is refused.
TEST(JsonSplitter, GivesNoMarkOfANumberThatIsCutOff) {
  EXPECT_EQ(split("{} 1.", {"data"}, {}).complete_until, 3u);
  EXPECT_EQ(split("{} 1.x", {"data"}, {}).complete_until, 3u);
  EXPECT_EQ(split("{} 1.5", {"data"}, {}).complete_until, 6u);
}

// Whatever is complete before a fault counts: the place where reading on makes no sense is that of the record.
TEST(JsonSplitter, SaysUpToWhereRecordsAreComplete) {
  EXPECT_EQ(split("[1,{\"a\":?}]", {}, {}).complete_until, 3u);
  EXPECT_EQ(split("[1,{\"a\"", {}, {}).complete_until, 3u);
  EXPECT_EQ(split("[1,2", {}, {}).complete_until, 4u);
  EXPECT_EQ(split("[1,2]", {}, {}).complete_until, 5u);
}

TEST(JsonSplitter, RefusesDeepNestingAtOnceAndInConstantMemory) {
  const std::string deep(1'000'000, '[');
  const Split found = split("[" + deep, {}, {});
  EXPECT_EQ(found.fault, "expected nesting of at most 512 levels");
  EXPECT_EQ(found.bytes.size(), 1u + static_cast<size_t>(kMaxJsonDepth));
}

TEST(JsonSplitter, AcceptsAndRefusesTheFilesOfTheTestSuite) {
  testing::visit_json_test_suite([](const std::string& name, const std::string& text) {
    const Split found = split(text, {}, {});
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
    const bool is_utf8 = valid_utf8_prefix(bytes, text.size()) == text.size();
    EXPECT_TRUE(name[0] != 'y' || found.fault.empty()) << name;
    // Bytes in strings are left to the reader of records, and several values are a file.
    if (name[0] == 'n' && is_utf8) {
      EXPECT_EQ(found.fault.empty(), Reference(text, {}).read().has_value()) << name;
    }
    for (size_t i = 0; i <= std::min<size_t>(text.size(), 100); ++i) EXPECT_EQ(split(text, {}, {i}), found) << name;
  });
}

}  // namespace
}  // namespace millrace
