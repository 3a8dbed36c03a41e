#include "text/words.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace millrace {

namespace {

#if defined(__SSE2__)

// Letters and digits by range: a byte in [low, low + count) lies, moved to the bottom of the signed range, below count.
inline __m128i in_range(__m128i bytes, char low, int count) {
  const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(static_cast<char>(-128 - low)));
  return _mm_cmplt_epi8(moved, _mm_set1_epi8(static_cast<char>(-128 + count)));
}

bool lower_ascii(const uint8_t* text, size_t size, uint8_t* out) {
  size_t i = 0;
  __m128i seen = _mm_setzero_si128();
  for (; i + 16 <= size; i += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i));
    const __m128i upper = _mm_and_si128(in_range(bytes, 'A', 26), _mm_set1_epi8(0x20));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), _mm_or_si128(bytes, upper));
    seen = _mm_or_si128(seen, bytes);
  }
  uint8_t tail = 0;
  for (; i < size; ++i) {
    tail |= text[i];
    out[i] = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<uint8_t>(text[i] | 0x20) : text[i];
  }
  return _mm_movemask_epi8(seen) == 0 && tail < 0x80;
}

#else

bool lower_ascii(const uint8_t* text, size_t size, uint8_t* out) {
  uint8_t seen = 0;
  for (size_t i = 0; i < size; ++i) {
    seen |= text[i];
    out[i] = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<uint8_t>(text[i] | 0x20) : text[i];
  }
  return seen < 0x80;
}

#endif

}  // namespace

void FoldedText::assign(std::string_view text) {
  const uint8_t* bytes = reinterpret_cast<const uint8_t*>(text.data());
  folded_.resize(text.size() + kPadding);
  size_ = text.size();
  if (!lower_ascii(bytes, text.size(), reinterpret_cast<uint8_t*>(folded_.data()))) {
    composed_.clear();
    append_nfc(text, composed_);
    folded_.clear();
    append_case_folded(composed_, folded_);
    size_ = folded_.size();
    folded_.resize(size_ + kPadding);
  }
  std::memset(folded_.data() + size_, 0, kPadding);
}

#if defined(__SSE2__)

AsciiMasks ascii_masks(const uint8_t* bytes) {
  AsciiMasks masks{0, 0};
  for (int part = 0; part < 4; ++part) {
    const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes) + part);
    const __m128i letter = in_range(_mm_or_si128(chunk, _mm_set1_epi8(0x20)), 'a', 26);
    const __m128i word = _mm_or_si128(letter, in_range(chunk, '0', 10));
    masks.word |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(word))) << (16 * part);
    masks.high |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(chunk))) << (16 * part);
  }
  return masks;
}

#else

AsciiMasks ascii_masks(const uint8_t* bytes) {
  AsciiMasks masks{0, 0};
  for (int i = 0; i < 64; ++i) {
    const uint8_t letter = static_cast<uint8_t>((bytes[i] | 0x20) - 'a');
    const uint8_t digit = static_cast<uint8_t>(bytes[i] - '0');
    masks.word |= static_cast<uint64_t>(bytes[i] < 0x80 && (letter < 26 || digit < 10)) << i;
    masks.high |= static_cast<uint64_t>(bytes[i] >> 7) << i;
  }
  return masks;
}

#endif

}  // namespace millrace
