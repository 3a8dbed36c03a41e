// The inner loops over JSON strings: finding the next byte that needs care, and writing a string with its escapes.
#include <bit>
#include <cstring>

#include "text/json_cursor.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace {
namespace {

bool is_special(uint8_t byte) { return byte < 0x20 || byte == '"' || byte == '\\'; }

#if !defined(__SSE2__)
constexpr uint64_t kOnes = 0x0101010101010101u;
constexpr uint64_t kHighs = 0x8080808080808080u;

// Not zero when a byte of the word may be special; the lowest byte it marks is exact.
uint64_t special_bytes(uint64_t word) {
  const auto zero_bytes = [](uint64_t x) { return (x - kOnes) & ~x & kHighs; };
  const uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return control | zero_bytes(word ^ kOnes * '"') | zero_bytes(word ^ kOnes * '\\');
}
#endif

}  // namespace

const uint8_t* find_json_special(const uint8_t* p, const uint8_t* end) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1F);
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes);
    const __m128i escape = _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash));
    const auto mask = static_cast<uint32_t>(_mm_movemask_epi8(_mm_or_si128(control, escape)));
    if (mask != 0) return p + std::countr_zero(mask);
    p += 16;
  }
#else
  while (end - p >= 8) {
    uint64_t word;
    std::memcpy(&word, p, sizeof word);
    if (special_bytes(word) != 0) break;
    p += 8;
  }
#endif
  while (p != end && !is_special(*p)) ++p;
  return p;
}

void append_json_string(const uint8_t* bytes, size_t length, std::string& out) {
  static const char kHex[] = "0123456789abcdef";
  const uint8_t* const end = bytes + length;
  out.push_back('"');
  for (;;) {
    const uint8_t* special = find_json_special(bytes, end);
    out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(special - bytes));
    if (special == end) break;
    const uint8_t byte = *special;
    const char* short_form = nullptr;
    switch (byte) {
      case '"':
        short_form = "\\\"";
        break;
      case '\\':
        short_form = "\\\\";
        break;
      case '\b':
        short_form = "\\b";
        break;
      case '\f':
        short_form = "\\f";
        break;
      case '\n':
        short_form = "\\n";
        break;
      case '\r':
        short_form = "\\r";
        break;
      case '\t':
        short_form = "\\t";
        break;
      default:
        break;
    }
    if (short_form != nullptr) {
      out.append(short_form, 2);
    } else {
      const char long_form[] = {'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15]};
      out.append(long_form, sizeof long_form);
    }
    bytes = special + 1;
  }
  out.push_back('"');
}

}  // namespace millrace
