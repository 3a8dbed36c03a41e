// The grammar of RFC 8259 as a machine that may stop at any byte.
#include "text/json_splitter.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "text/json_cursor.h"
#include "text/json_marks.h"

namespace millrace {
namespace {

constexpr uint8_t kByteOrderMark[] = {0xEF, 0xBB, 0xBF};

// No name is longer as it is written: six bytes an escape, and the quotes.
constexpr size_t kMaxEscape = 6;

bool is_space(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }
bool is_line_end(uint8_t byte) { return byte == '\n' || byte == '\r'; }
bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }
bool is_hex_digit(uint8_t byte) { return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f'); }

}  // namespace

size_t JsonSplitter::push(uint8_t* bytes, size_t length) {
  for (size_t i = 0; i < length;) {
    if (state_ == State::kString) {
      const size_t plain = static_cast<size_t>(find_json_special(bytes + i, bytes + length) - (bytes + i));
      if (keeps_name_) keep_name(bytes + i, plain);
      if (!in_record_) std::memset(bytes + i, '\n', plain);
      i += plain;
      if (i == length) break;
    }
    const uint8_t byte = bytes[i];
    const bool was_in_record = in_record_;
    const Taken taken = step(byte, offset_ + i);
    if (taken == Taken::kFault) {
      offset_ += i;
      return i;
    }
    if (taken == Taken::kNo) continue;
    if (!was_in_record && !in_record_) {
      // A number that is not complete yet has no line end in it, as records have none.
      const uint8_t filler = in_barren_number() ? ' ' : '\n';
      bytes[i] = mark_ != 0 ? std::exchange(mark_, uint8_t{0}) : filler;
    } else if (is_line_end(byte)) {
      bytes[i] = ' ';
    }
    ++i;
  }
  offset_ += length;
  return length;
}

void JsonSplitter::finish() {
  switch (state_) {
    case State::kZero:
    case State::kInteger:
    case State::kFraction:
    case State::kExponentDigits:
      end_value();
      break;
    default:
      break;
  }
  if (!has_value_ || state_ != State::kAfterValue || !open_.empty()) {
    fail(has_value_ ? "expected the rest of a value, got the end of the file"
                    : "expected a value, got the end of the file");
  }
}

JsonSplitter::Taken JsonSplitter::step(uint8_t byte, uint64_t at) {
  switch (state_) {
    case State::kValueOrClose:
      if (byte == ']') {
        close();
        return Taken::kYes;
      }
      [[fallthrough]];
    case State::kValue:
      return is_space(byte) ? Taken::kYes : begin_value(byte, at);
    case State::kNameOrClose:
      if (byte == '}') {
        close();
        return Taken::kYes;
      }
      [[fallthrough]];
    case State::kName:
      if (is_space(byte)) return Taken::kYes;
      if (byte != '"') return fail("expected a name in quotes");
      return begin_name();
    case State::kColon:
      if (is_space(byte)) return Taken::kYes;
      return byte == ':' ? go(State::kValue) : fail("expected a colon after a name");
    case State::kAfterValue:
      return after_value(byte, at);
    case State::kString:
    case State::kEscape:
    case State::kHexDigits:
      return in_string(byte);
    case State::kLiteral:
      if (byte != static_cast<uint8_t>(*literal_)) return fail("expected a value");
      if (*++literal_ == '\0') {
        scalar_end_ = at + 1;
        end_value();
      }
      return Taken::kYes;
    default:
      return in_number(byte, at);
  }
}

JsonSplitter::Taken JsonSplitter::begin_value(uint8_t byte, uint64_t at) {
  const auto begin_literal = [&](const char* rest) {
    literal_ = rest;
    return go(State::kLiteral);
  };
  if (!in_record_) place_value(byte, at);
  switch (byte) {
    case '{':
      return open('{') ? go(State::kNameOrClose) : Taken::kFault;
    case '[':
      return open('[') ? go(State::kValueOrClose) : Taken::kFault;
    case '"':
      is_name_ = keeps_name_ = false;
      return go(State::kString);
    case 't':
      return begin_literal("rue");
    case 'f':
      return begin_literal("alse");
    case 'n':
      return begin_literal("ull");
    case '-':
      return go(State::kMinus);
    case '0':
      return go(State::kZero);
    default:
      return is_digit(byte) ? go(State::kInteger) : fail("expected a value");
  }
}

// Decides what a value outside of records is: a record, an array of records, a step of the path, or of no interest.
void JsonSplitter::place_value(uint8_t byte, uint64_t at) {
  if (open_.empty()) {
    has_value_ = true;
    is_fruitful_ = false;
    if (!path_.empty()) {
      const bool is_number = byte == '-' || is_digit(byte);
      mark_ = is_number ? kBarrenNumber : kValueBegins;
      number_begin_ = at;
    }
  }
  const bool is_element = array_depth_ != 0 && open_.size() == array_depth_;
  const bool is_end_of_path = !is_element && is_on_path() && path_depth_ == path_.size();
  if (is_end_of_path) is_fruitful_ = true;
  if (is_end_of_path && byte == '[') {
    array_depth_ = open_.size() + 1;
  } else if (is_element || is_end_of_path) {
    in_record_ = true;
    record_begin_ = at;
    record_depth_ = open_.size();
  } else if (is_on_path() && byte == '{') {
    ++path_depth_;
  }
}

bool JsonSplitter::is_on_path() const {
  return array_depth_ == 0 && open_.size() == path_depth_ && (open_.empty() || name_leads_on_);
}

JsonSplitter::Taken JsonSplitter::after_value(uint8_t byte, uint64_t at) {
  if (open_.empty()) {
    if (is_space(byte)) return Taken::kYes;
    if (at == mark_bytes_ && at < sizeof kByteOrderMark && byte == kByteOrderMark[at]) {
      ++mark_bytes_;
      return Taken::kYes;
    }
    const bool is_begun_mark = mark_bytes_ != 0 && mark_bytes_ != sizeof kByteOrderMark;
    const bool touches = scalar_end_ == at && at != 0 && byte != '{' && byte != '[' && byte != '"';
    return is_begun_mark || touches ? fail("expected white space or the end of the file") : begin_value(byte, at);
  }
  if (is_space(byte)) return Taken::kYes;
  const bool in_object = open_.back() == '{';
  if (byte == ',') return go(in_object ? State::kName : State::kValue);
  if (byte != (in_object ? '}' : ']')) {
    return fail(in_object ? "expected a comma or } after a member" : "expected a comma or ] after an element");
  }
  close();
  return Taken::kYes;
}

JsonSplitter::Taken JsonSplitter::begin_name() {
  is_name_ = true;
  keeps_name_ = !in_record_ && open_.size() == path_depth_;
  if (keeps_name_) name_ = '"';
  return go(State::kString);
}

void JsonSplitter::keep_name(const uint8_t* bytes, size_t length) {
  const size_t room = kMaxEscape * path_[path_depth_ - 1].size() + 2;
  if (name_.size() > room) return;
  name_.append(reinterpret_cast<const char*>(bytes), std::min(length, room + 1 - name_.size()));
}

void JsonSplitter::end_name() {
  state_ = State::kColon;
  if (!keeps_name_) return;
  keeps_name_ = false;
  const auto* begin = reinterpret_cast<const uint8_t*>(name_.data());
  JsonCursor cursor(begin, begin + name_.size());
  ByteBuffer buffer;
  std::string_view name;
  bool lone_surrogate = false;
  // A name too long to be kept lacks its closing quote.
  name_leads_on_ =
      cursor.read_string(buffer, &name, &lone_surrogate) && !lone_surrogate && name == path_[path_depth_ - 1];
}

JsonSplitter::Taken JsonSplitter::in_string(uint8_t byte) {
  if (keeps_name_) keep_name(&byte, 1);
  if (state_ == State::kHexDigits) {
    if (!is_hex_digit(byte)) return fail("expected four hexadecimal digits after \\u");
    return --hex_left_ == 0 ? go(State::kString) : Taken::kYes;
  }
  if (state_ == State::kEscape) {
    if (byte == 'u') {
      hex_left_ = 4;
      return go(State::kHexDigits);
    }
    if (byte == 0 || std::strchr("\"\\/bfnrt", byte) == nullptr) {
      return fail("expected one of \"\\/bfnrtu after a backslash");
    }
    return go(State::kString);
  }
  if (byte == '\\') return go(State::kEscape);
  if (byte != '"') return fail("expected an escape for a control character in a string");
  if (is_name_) {
    end_name();
  } else {
    end_value();
  }
  return Taken::kYes;
}

JsonSplitter::Taken JsonSplitter::in_number(uint8_t byte, uint64_t at) {
  const bool digit = is_digit(byte);
  const bool exponent = byte == 'e' || byte == 'E';
  switch (state_) {
    case State::kMinus:
      if (!digit) return fail("expected a digit");
      return go(byte == '0' ? State::kZero : State::kInteger);
    case State::kInteger:
      if (digit) return Taken::kYes;
      [[fallthrough]];
    case State::kZero:
      if (byte == '.') return go(State::kPoint);
      if (exponent) return go(State::kExponent);
      break;
    case State::kPoint:
      return digit ? go(State::kFraction) : fail("expected a digit after the decimal point");
    case State::kFraction:
      if (digit) return Taken::kYes;
      if (exponent) return go(State::kExponent);
      break;
    case State::kExponent:
      if (byte == '+' || byte == '-') return go(State::kExponentSign);
      [[fallthrough]];
    case State::kExponentSign:
      return digit ? go(State::kExponentDigits) : fail("expected a digit in the exponent");
    default:
      if (digit) return Taken::kYes;
      break;
  }
  scalar_end_ = at;
  end_value();
  return Taken::kNo;
}

bool JsonSplitter::open(char kind) {
  const size_t outside = in_record_ ? record_depth_ : 0;
  if (open_.size() - outside >= static_cast<size_t>(kMaxJsonDepth)) {
    fail("expected nesting of at most 512 levels");
    return false;
  }
  open_.push_back(kind);
  return true;
}

void JsonSplitter::close() {
  if (open_.size() == array_depth_) array_depth_ = 0;
  if (open_.size() == path_depth_) --path_depth_;
  open_.pop_back();
  end_value();
}

void JsonSplitter::end_value() {
  if (open_.empty() && !is_fruitful_ && !in_number()) mark_ = kBarrenEnds;
  state_ = State::kAfterValue;
  if (in_record_ && open_.size() == record_depth_) in_record_ = false;
}

}  // namespace millrace
