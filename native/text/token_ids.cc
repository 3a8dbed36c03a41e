#include "text/token_ids.h"

#include <algorithm>
#include <utility>

#include "text/unicode.h"

namespace millrace {

namespace {

// Reads one flat JSON object from strings to non-negative integers; nothing else is a vocabulary.
class VocabReader {
 public:
  explicit VocabReader(std::string_view text) : text_(text) {}

  Status read(TokenIds* out) {
    skip_space();
    if (!take('{')) return fail("'{'");
    skip_space();
    if (take('}')) return end();
    for (;;) {
      std::string token;
      uint32_t id = 0;
      MR_RETURN_IF_ERROR(read_string(&token));
      skip_space();
      if (!take(':')) return fail("':' after a token");
      skip_space();
      MR_RETURN_IF_ERROR(read_id(&id));
      if (!out->emplace(std::move(token), id).second) return fail("each token once, before here");
      skip_space();
      if (take('}')) return end();
      if (!take(',')) return fail("',' or '}' after an id");
      skip_space();
    }
  }

 private:
  Status end() {
    skip_space();
    return position_ == text_.size() ? ok() : fail("nothing after the object");
  }

  Status fail(const char* expected) const {
    const auto seen = text_.substr(0, position_);
    const auto line = 1 + std::count(seen.begin(), seen.end(), '\n');
    return invalid_argument("expected " + std::string(expected) + " for the vocabulary, line " + std::to_string(line) +
                            ", byte " + std::to_string(position_) + ", got " + shown());
  }

  std::string shown() const {
    if (position_ >= text_.size()) return "the end of the file";
    const unsigned char c = static_cast<unsigned char>(text_[position_]);
    if (c > 0x20 && c < 0x7F) return {'\'', static_cast<char>(c), '\''};
    return "byte " + std::to_string(c);
  }

  void skip_space() {
    while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\n' ||
                                        text_[position_] == '\r' || text_[position_] == '\t')) {
      ++position_;
    }
  }

  bool take(char c) {
    if (position_ >= text_.size() || text_[position_] != c) return false;
    ++position_;
    return true;
  }

  Status read_string(std::string* out) {
    if (!take('"')) return fail("a token in quotes");
    for (;;) {
      if (position_ >= text_.size()) return fail("'\"' at the end of a token");
      const char c = text_[position_];
      if (static_cast<unsigned char>(c) < 0x20) return fail("no control character in a token");
      ++position_;
      if (c == '"') return ok();
      if (c != '\\') {
        out->push_back(c);
        continue;
      }
      MR_RETURN_IF_ERROR(read_escape(out));
    }
  }

  Status read_escape(std::string* out) {
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
    if (position_ >= text_.size()) return fail("an escape");
    const size_t simple = kNames.find(text_[position_]);
    if (simple != std::string_view::npos) {
      ++position_;
      out->push_back(kValues[simple]);
      return ok();
    }
    uint32_t unit = 0;
    MR_RETURN_IF_ERROR(read_unit(&unit));
    if (unit >= 0xD800 && unit < 0xDC00) {
      uint32_t low = 0;
      if (!take('\\')) return fail("the second half of a surrogate pair");
      MR_RETURN_IF_ERROR(read_unit(&low));
      if (low < 0xDC00 || low > 0xDFFF) return fail("the second half of a surrogate pair, before here");
      unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
    } else if (unit >= 0xDC00 && unit <= 0xDFFF) {
      return fail("no lone surrogate, before here");
    }
    append_utf8(*out, unit);
    return ok();
  }

  Status read_unit(uint32_t* out) {
    if (!take('u')) return fail("one of the escapes of JSON");
    for (int digit = 0; digit < 4; ++digit) {
      const char c = position_ < text_.size() ? text_[position_] : '\0';
      uint32_t value = 0;
      if (c >= '0' && c <= '9') {
        value = static_cast<uint32_t>(c - '0');
      } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
        value = static_cast<uint32_t>((c | 0x20) - 'a' + 10);
      } else {
        return fail("four hexadecimal digits after \\u");
      }
      *out = *out << 4 | value;
      ++position_;
    }
    return ok();
  }

  Status read_id(uint32_t* out) {
    const size_t start = position_;
    uint64_t value = 0;
    while (position_ < text_.size() && text_[position_] >= '0' && text_[position_] <= '9') {
      value = value * 10 + static_cast<uint64_t>(text_[position_] - '0');
      if (value >= kMaxTokens) return fail("an id under 2097152");
      ++position_;
    }
    if (position_ == start) return fail("an id (a whole number from 0)");
    *out = static_cast<uint32_t>(value);
    return ok();
  }

  std::string_view text_;
  size_t position_ = 0;
};

}  // namespace

Status parse_token_ids(std::string_view json, TokenIds* out) {
  const size_t valid = valid_utf8_prefix(reinterpret_cast<const uint8_t*>(json.data()), json.size());
  if (valid != json.size()) {
    return invalid_argument("expected UTF-8 for the vocabulary, got another byte at " + std::to_string(valid));
  }
  MR_RETURN_IF_ERROR(VocabReader(json).read(out));
  if (out->size() >= kMaxTokens) return invalid_argument("expected fewer than 2097152 tokens for the vocabulary");
  return ok();
}

}  // namespace millrace
