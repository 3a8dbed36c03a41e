// The grammar of RFC 8259, one function a production.
#include "text/json_cursor.h"

#include <cstring>

namespace millrace {
namespace {

bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

constexpr uint32_t kReplacement = 0xFFFD;

void append_code_point(ByteBuffer& out, uint32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<uint8_t>(c));
    return;
  }
  if (c < 0x800) {
    out.push_back(static_cast<uint8_t>(0xC0 | c >> 6));
  } else {
    if (c < 0x10000) {
      out.push_back(static_cast<uint8_t>(0xE0 | c >> 12));
    } else {
      out.push_back(static_cast<uint8_t>(0xF0 | c >> 18));
      out.push_back(static_cast<uint8_t>(0x80 | (c >> 12 & 0x3F)));
    }
    out.push_back(static_cast<uint8_t>(0x80 | (c >> 6 & 0x3F)));
  }
  out.push_back(static_cast<uint8_t>(0x80 | (c & 0x3F)));
}

// The byte that a two-character escape stands for, 0 for none (no escape stands for NUL).
uint8_t unescaped(uint8_t letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

bool is_high_surrogate(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low_surrogate(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

}  // namespace

bool JsonCursor::skip_value(int depth) {
  if (at_end()) return fail("expected a value, got the end of the record");
  switch (*p_) {
    case '"':
      return skip_string(nullptr);
    case '{':
      return skip_object(depth);
    case '[':
      return skip_array(depth);
    case 't':
      return skip_literal("true", 4);
    case 'f':
      return skip_literal("false", 5);
    case 'n':
      return skip_literal("null", 4);
    default:
      return *p_ == '-' || is_digit(*p_) ? skip_number() : fail("expected a value");
  }
}

bool JsonCursor::skip_object(int depth) {
  if (depth >= kMaxJsonDepth) return fail("expected nesting of at most 512 levels");
  ++p_;
  skip_whitespace();
  if (peek() == '}') {
    ++p_;
    return true;
  }
  for (;;) {
    if (peek() != '"') return fail("expected a name in quotes");
    if (!skip_string(nullptr)) return false;
    skip_whitespace();
    if (!expect(':', "expected a colon after a name")) return false;
    skip_whitespace();
    if (!skip_value(depth + 1)) return false;
    skip_whitespace();
    if (peek() == '}') {
      ++p_;
      return true;
    }
    if (!expect(',', "expected a comma or } after a member")) return false;
    skip_whitespace();
  }
}

bool JsonCursor::skip_array(int depth) {
  if (depth >= kMaxJsonDepth) return fail("expected nesting of at most 512 levels");
  ++p_;
  skip_whitespace();
  if (peek() == ']') {
    ++p_;
    return true;
  }
  for (;;) {
    if (!skip_value(depth + 1)) return false;
    skip_whitespace();
    if (peek() == ']') {
      ++p_;
      return true;
    }
    if (!expect(',', "expected a comma or ] after an element")) return false;
    skip_whitespace();
  }
}

bool JsonCursor::skip_literal(const char* literal, size_t length) {
  if (static_cast<size_t>(end_ - p_) < length || std::memcmp(p_, literal, length) != 0) return fail("expected a value");
  p_ += length;
  return true;
}

bool JsonCursor::skip_number() {
  if (peek() == '-') ++p_;
  if (peek() == '0') {
    ++p_;  // a digit after it is left over and faults where a comma should be
  } else {
    if (!is_digit(peek())) return fail("expected a digit");
    while (is_digit(peek())) ++p_;
  }
  if (peek() == '.') {
    ++p_;
    if (!is_digit(peek())) return fail("expected a digit after the decimal point");
    while (is_digit(peek())) ++p_;
  }
  if (peek() == 'e' || peek() == 'E') {
    ++p_;
    if (peek() == '+' || peek() == '-') ++p_;
    if (!is_digit(peek())) return fail("expected a digit in the exponent");
    while (is_digit(peek())) ++p_;
  }
  return true;
}

bool JsonCursor::skip_string(bool* escaped) {
  ++p_;
  for (;;) {
    p_ = find_json_special(p_, end_);
    if (at_end()) return fail("expected a closing quote, got the end of the record");
    if (*p_ == '"') {
      ++p_;
      return true;
    }
    if (*p_ != '\\') return fail("expected an escape for a control character in a string");
    if (escaped != nullptr) *escaped = true;
    ++p_;
    if (peek() == 'u') {
      ++p_;
      uint32_t unit;
      if (!read_hex4(&unit)) return false;
    } else if (unescaped(peek()) != 0) {
      ++p_;
    } else {
      return fail("expected one of \"\\/bfnrtu after a backslash");
    }
  }
}

bool JsonCursor::read_string(ByteBuffer& buffer, std::string_view* value, bool* lone_surrogate) {
  ++p_;
  const uint8_t* special = find_json_special(p_, end_);
  if (special != end_ && *special == '"') {
    *value = {reinterpret_cast<const char*>(p_), static_cast<size_t>(special - p_)};
    p_ = special + 1;
    return true;
  }
  buffer.clear();
  for (;;) {
    buffer.append(p_, static_cast<size_t>(special - p_));
    p_ = special;
    if (at_end()) return fail("expected a closing quote, got the end of the record");
    if (*p_ == '"') {
      ++p_;
      *value = buffer.view();
      return true;
    }
    if (*p_ != '\\') return fail("expected an escape for a control character in a string");
    ++p_;
    if (!read_escape(buffer, lone_surrogate)) return false;
    special = find_json_special(p_, end_);
  }
}

bool JsonCursor::read_escape(ByteBuffer& out, bool* lone_surrogate) {
  if (peek() != 'u') {
    const uint8_t byte = unescaped(peek());
    if (byte == 0) return fail("expected one of \"\\/bfnrtu after a backslash");
    out.push_back(byte);
    ++p_;
    return true;
  }
  ++p_;
  uint32_t unit;
  if (!read_hex4(&unit)) return false;
  if (is_high_surrogate(unit) && end_ - p_ >= 2 && p_[0] == '\\' && p_[1] == 'u') {
    const uint8_t* before = p_;
    p_ += 2;
    uint32_t low;
    if (!read_hex4(&low)) return false;
    if (is_low_surrogate(low)) {
      append_code_point(out, 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00));
      return true;
    }
    p_ = before;
  }
  if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
    *lone_surrogate = true;
    unit = kReplacement;
  }
  append_code_point(out, unit);
  return true;
}

bool JsonCursor::read_hex4(uint32_t* out) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    const uint8_t byte = peek();
    uint32_t digit;
    if (is_digit(byte)) {
      digit = byte - '0';
    } else if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f') {
      digit = (byte | 0x20u) - 'a' + 10;
    } else {
      return fail("expected four hexadecimal digits after \\u");
    }
    value = value << 4 | digit;
    ++p_;
  }
  *out = value;
  return true;
}

}  // namespace millrace
