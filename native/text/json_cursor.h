// JsonCursor: a strict RFC 8259 reader over valid UTF-8 that walks one value without building it. A fault is a sentence
// and a position. Lone surrogates in escapes are grammatical JSON, so they are reported beside the fault, not as one.
#ifndef MILLRACE_TEXT_JSON_CURSOR_H_
#define MILLRACE_TEXT_JSON_CURSOR_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "text/byte_buffer.h"

namespace millrace {

// Deeper nesting is a fault: it bounds the stack, and no corpus needs it.
constexpr int kMaxJsonDepth = 512;

// First byte of [p, end) that a JSON string cannot hold as it is (quote, backslash, control character), or end.
const uint8_t* find_json_special(const uint8_t* p, const uint8_t* end);

// Appends the bytes as a JSON string with its quotes: only what must be escaped is.
void append_json_string(const uint8_t* bytes, size_t length, std::string& out);

class JsonCursor {
 public:
  JsonCursor(const uint8_t* begin, const uint8_t* end) : p_(begin), end_(end) {}

  const uint8_t* position() const { return p_; }
  bool at_end() const { return p_ == end_; }
  // The next byte, 0 at the end (which begins no value).
  uint8_t peek() const { return p_ == end_ ? 0 : *p_; }
  void advance() { ++p_; }
  void skip_whitespace() {
    while (p_ != end_ && (*p_ == ' ' || *p_ == '\t' || *p_ == '\n' || *p_ == '\r')) ++p_;
  }

  // Each stands at the first byte of what it reads and moves past it; false: fault() says why.
  bool skip_value(int depth);
  bool skip_string(bool* escaped);
  bool skip_number();
  // Sets *value to the string's value: in place where it has no escape, else in `buffer`, whose content it replaces. A
  // lone surrogate sets *lone_surrogate and leaves U+FFFD.
  bool read_string(ByteBuffer& buffer, std::string_view* value, bool* lone_surrogate);
  bool fail(const char* sentence) {
    fault_ = sentence;
    return false;
  }
  // `byte` is not NUL.
  bool expect(uint8_t byte, const char* sentence) {
    if (peek() != byte) return fail(sentence);
    ++p_;
    return true;
  }

  // "expected ..." ; the cursor stands where it was found. Null while there is none.
  const char* fault() const { return fault_; }

 private:
  bool skip_object(int depth);
  bool skip_array(int depth);
  bool skip_literal(const char* literal, size_t length);
  bool read_escape(ByteBuffer& out, bool* lone_surrogate);
  bool read_hex4(uint32_t* out);

  const uint8_t* p_;
  const uint8_t* end_;
  const char* fault_ = nullptr;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_JSON_CURSOR_H_
