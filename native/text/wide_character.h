// A character of bytes that need not be UTF-8.
#ifndef MILLRACE_TEXT_WIDE_CHARACTER_H_
#define MILLRACE_TEXT_WIDE_CHARACTER_H_

#include <cstddef>
#include <cstdint>

namespace millrace {

struct WideCharacter {
  uint32_t code_point;
  uint32_t length;
};

// The character at `p`, whose first byte is not ASCII, in `available` >= 1 bytes. A malformed one is a single byte and
// yields 0, whose class is none of letter, number and white space.
inline WideCharacter decode_wide(const uint8_t* p, size_t available) {
  const auto continues = [p](size_t i) { return (p[i] & 0xC0) == 0x80; };
  const uint8_t lead = p[0];
  if ((lead & 0xF0) == 0xE0 && available >= 3 && continues(1) && continues(2)) {
    const uint32_t code_point = (lead & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    if (code_point >= 0x800 && (code_point < 0xD800 || code_point > 0xDFFF)) return {code_point, 3};
  } else if (lead >= 0xC2 && lead < 0xE0 && available >= 2 && continues(1)) {
    return {(lead & 0x1Fu) << 6 | (p[1] & 0x3Fu), 2};
  } else if (lead >= 0xF0 && lead < 0xF5 && available >= 4 && continues(1) && continues(2) && continues(3)) {
    const uint32_t code_point = (lead & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    if (code_point >= 0x10000 && code_point <= 0x10FFFF) return {code_point, 4};
  }
  return {0, 1};
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_WIDE_CHARACTER_H_
