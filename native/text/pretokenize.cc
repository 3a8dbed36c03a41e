#include "text/pretokenize.h"

#include <array>
#include <bit>

#include "text/unicode.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace {

namespace {

enum Kind : uint8_t { kOtherRun, kLetterRun, kNumberRun, kWhiteRun, kWide };

constexpr std::array<uint8_t, 256> make_byte_kinds() {
  std::array<uint8_t, 256> kinds{};
  for (int c = 0; c < 256; ++c) {
    Kind kind = kOtherRun;
    if (c >= 0x80) {
      kind = kWide;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
      kind = kLetterRun;
    } else if (c >= '0' && c <= '9') {
      kind = kNumberRun;
    } else if (c == ' ' || (c >= '\t' && c <= '\r')) {
      kind = kWhiteRun;
    }
    kinds[static_cast<size_t>(c)] = kind;
  }
  return kinds;
}

constexpr std::array<uint8_t, 256> kByteKinds = make_byte_kinds();

inline bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// Decodes the multi-byte character at `position` and moves past it; a malformed one is a single byte and yields 0,
// whose class is none of letter, number and white space.
uint32_t decode_wide(const uint8_t* text, size_t length, size_t& position) {
  const uint8_t lead = text[position];
  const size_t available = length - position;
  const uint8_t* p = text + position;
  if (lead >= 0xC2 && lead < 0xE0 && available >= 2 && is_continuation(p[1])) {
    position += 2;
    return (lead & 0x1Fu) << 6 | (p[1] & 0x3Fu);
  }
  if ((lead & 0xF0) == 0xE0 && available >= 3 && is_continuation(p[1]) && is_continuation(p[2])) {
    const uint32_t code_point = (lead & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
    if (code_point >= 0x800 && (code_point < 0xD800 || code_point > 0xDFFF)) {
      position += 3;
      return code_point;
    }
  } else if (lead >= 0xF0 && lead < 0xF5 && available >= 4 && is_continuation(p[1]) && is_continuation(p[2]) &&
             is_continuation(p[3])) {
    const uint32_t code_point = (lead & 0x07u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
    if (code_point >= 0x10000 && code_point <= 0x10FFFF) {
      position += 4;
      return code_point;
    }
  }
  position += 1;
  return 0;
}

// The kind of the character at `position`, which moves past it.
inline Kind classify(const uint8_t* text, size_t length, size_t& position) {
  const Kind kind = static_cast<Kind>(kByteKinds[text[position]]);
  if (kind != kWide) {
    ++position;
    return kind;
  }
  const uint8_t bits = char_class(decode_wide(text, length, position));
  if (bits & kLetter) return kLetterRun;
  if (bits & kNumber) return kNumberRun;
  return bits & kWhitespace ? kWhiteRun : kOtherRun;
}

// The end of the run of ASCII letters at `position`, sixteen at a time.
inline size_t skip_ascii_letters(const uint8_t* text, size_t length, size_t position) {
#if defined(__SSE2__)
  const __m128i case_bit = _mm_set1_epi8(0x20);
  const __m128i before_a = _mm_set1_epi8('a' - 1);
  const __m128i after_z = _mm_set1_epi8('z' + 1);
  while (length - position >= 16) {
    // Setting the case bit maps no other ASCII byte into a..z but the capitals; bytes from 0x80 on are negative here.
    const __m128i bytes = _mm_or_si128(_mm_loadu_si128(reinterpret_cast<const __m128i*>(text + position)), case_bit);
    const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(bytes, before_a), _mm_cmplt_epi8(bytes, after_z));
    const uint32_t outside = static_cast<uint32_t>(_mm_movemask_epi8(letters)) ^ 0xFFFFu;
    if (outside != 0) return position + static_cast<size_t>(std::countr_zero(outside));
    position += 16;
  }
#endif
  while (position < length && kByteKinds[text[position]] == kLetterRun) ++position;
  return position;
}

// The end of the run of characters of `kind` at `position`.
inline size_t skip_run(Kind kind, const uint8_t* text, size_t length, size_t position) {
  for (;;) {
    if (kind == kLetterRun) {
      position = skip_ascii_letters(text, length, position);
    } else {
      while (position < length && kByteKinds[text[position]] == kind) ++position;
    }
    if (position == length || text[position] < 0x80) return position;
    size_t next = position;
    if (classify(text, length, next) != kind) return position;
    position = next;
  }
}

// White space up to the end of the text is one piece; before anything else its last character is left to what follows,
// unless it is alone.
size_t white_end(const uint8_t* text, size_t length, size_t position) {
  size_t last = position;
  size_t end = position;
  while (end < length) {
    size_t next = end;
    if (classify(text, length, next) != kWhiteRun) return last == position ? end : last;
    last = end;
    end = next;
  }
  return end;
}

// The end of the contraction whose apostrophe stands at `position`, or `position` when there is none.
inline size_t contraction_end(const uint8_t* text, size_t length, size_t position) {
  if (position + 1 >= length) return position;
  const uint8_t a = text[position + 1];
  if (a == 's' || a == 't' || a == 'm' || a == 'd') return position + 2;
  if (position + 2 >= length) return position;
  const uint8_t b = text[position + 2];
  if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return position + 3;
  return position;
}

inline size_t piece_end(const uint8_t* text, size_t length, size_t position) {
  const uint8_t first = text[position];
  if (first == '\'') {
    const size_t end = contraction_end(text, length, position);
    if (end != position) return end;
  }
  size_t body = position;
  if (first == ' ' && ++body == length) return length;
  const Kind kind = classify(text, length, body);
  return kind == kWhiteRun ? white_end(text, length, position) : skip_run(kind, text, length, body);
}

}  // namespace

size_t next_pretokens(const uint8_t* text, size_t length, size_t position, size_t* ends, size_t capacity) {
  size_t count = 0;
  while (count < capacity && position < length) {
    position = piece_end(text, length, position);
    ends[count++] = position;
  }
  return count;
}

}  // namespace millrace
