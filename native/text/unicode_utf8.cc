// UTF-8 validation by RFC 3629. Where the processor's floor has byte shuffles, blocks of 16 bytes are classified by
// three table look-ups (Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte", 2021); the exact
// place of a fault, the end of the text and other processors take the plain way.
#include <cstring>

#include "text/unicode.h"

#if defined(__SSSE3__)
#include <tmmintrin.h>
#endif

namespace millrace {
namespace {

bool is_continuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// Length of the well-formed sequence at p (of `left` bytes, the first not ASCII); 0 when there is none.
size_t sequence_length(const uint8_t* p, size_t left) {
  const uint8_t lead = p[0];
  if (lead < 0xC2 || left < 2) return 0;  // a continuation byte or an overlong form of ASCII
  if (lead < 0xE0) return is_continuation(p[1]) ? 2 : 0;
  if (left < 3) return 0;
  if (lead < 0xF0) {
    const uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;   // overlong
    const uint8_t high = lead == 0xED ? 0x9F : 0xBF;  // surrogates
    return p[1] >= low && p[1] <= high && is_continuation(p[2]) ? 3 : 0;
  }
  if (lead > 0xF4 || left < 4) return 0;
  const uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;  // above U+10FFFF
  return p[1] >= low && p[1] <= high && is_continuation(p[2]) && is_continuation(p[3]) ? 4 : 0;
}

#if defined(__SSSE3__)

// What can be wrong with a pair of neighbouring bytes. Each table names the faults that its nibble allows; a fault is
// real when all three agree.
enum PairFault : uint8_t {
  kTooShort = 1,         // a lead byte, then no continuation
  kTooLong = 2,          // ASCII, then a continuation
  kOverlong3 = 4,        // E0 80..9F
  kTooLarge = 8,         // F4 90.., F5.. 90..
  kSurrogate = 16,       // ED A0..BF
  kOverlong2 = 32,       // C0..C1
  kTooLarge1000 = 64,    // F5.. 80..8F
  kOverlong4 = 64,       // F0 80..8F
  kContinuations = 128,  // two of them: wrong unless a lead byte two or three bytes before asks for it
};
constexpr uint8_t kAnyLow = kTooShort | kTooLong | kContinuations;
constexpr uint8_t kLargeLow = kAnyLow | kTooLarge | kTooLarge1000;
constexpr uint8_t kAnyContinuation = kTooLong | kOverlong2 | kContinuations;

alignas(16) constexpr uint8_t kFirstHigh[16] = {kTooLong,
                                                kTooLong,
                                                kTooLong,
                                                kTooLong,
                                                kTooLong,
                                                kTooLong,
                                                kTooLong,
                                                kTooLong,
                                                kContinuations,
                                                kContinuations,
                                                kContinuations,
                                                kContinuations,
                                                kTooShort | kOverlong2,
                                                kTooShort,
                                                kTooShort | kOverlong3 | kSurrogate,
                                                kTooShort | kTooLarge | kTooLarge1000 | kOverlong4};
alignas(16) constexpr uint8_t kFirstLow[16] = {kAnyLow | kOverlong3 | kOverlong2 | kOverlong4,
                                               kAnyLow | kOverlong2,
                                               kAnyLow,
                                               kAnyLow,
                                               kAnyLow | kTooLarge,
                                               kLargeLow,
                                               kLargeLow,
                                               kLargeLow,
                                               kLargeLow,
                                               kLargeLow,
                                               kLargeLow,
                                               kLargeLow,
                                               kLargeLow,
                                               kLargeLow | kSurrogate,
                                               kLargeLow,
                                               kLargeLow};
alignas(16) constexpr uint8_t kSecondHigh[16] = {kTooShort,
                                                 kTooShort,
                                                 kTooShort,
                                                 kTooShort,
                                                 kTooShort,
                                                 kTooShort,
                                                 kTooShort,
                                                 kTooShort,
                                                 kAnyContinuation | kOverlong3 | kTooLarge1000 | kOverlong4,
                                                 kAnyContinuation | kOverlong3 | kTooLarge,
                                                 kAnyContinuation | kSurrogate | kTooLarge,
                                                 kAnyContinuation | kSurrogate | kTooLarge,
                                                 kTooShort,
                                                 kTooShort,
                                                 kTooShort,
                                                 kTooShort};

__m128i load(const uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// Whether the block may follow `previous`; a character cut by the block's end is judged with the next block.
bool block_is_valid(__m128i block, __m128i previous) {
  const __m128i low_nibble = _mm_set1_epi8(0x0F);
  const auto high = [&](__m128i bytes) { return _mm_and_si128(_mm_srli_epi16(bytes, 4), low_nibble); };
  const __m128i first = _mm_alignr_epi8(block, previous, 15);
  const __m128i faults =
      _mm_and_si128(_mm_and_si128(_mm_shuffle_epi8(load(kFirstHigh), high(first)),
                                  _mm_shuffle_epi8(load(kFirstLow), _mm_and_si128(first, low_nibble))),
                    _mm_shuffle_epi8(load(kSecondHigh), high(block)));
  // Bytes two behind a lead of three or four, or three behind a lead of four, must be second or third continuations.
  const __m128i third = _mm_subs_epu8(_mm_alignr_epi8(block, previous, 14), _mm_set1_epi8(0xE0 - 0x80));
  const __m128i fourth = _mm_subs_epu8(_mm_alignr_epi8(block, previous, 13), _mm_set1_epi8(0xF0 - 0x80));
  const __m128i expected = _mm_and_si128(_mm_or_si128(third, fourth), _mm_set1_epi8(static_cast<char>(0x80)));
  return _mm_movemask_epi8(_mm_cmpeq_epi8(faults, expected)) == 0xFFFF;
}

// A border of characters before which all is valid: the end of the text's last whole block, or the begin of a block
// with a fault, moved back to the character that reaches over it.
size_t valid_blocks(const uint8_t* text, size_t length) {
  __m128i previous = _mm_setzero_si128();
  bool was_ascii = true;
  size_t position = 0;
  while (length - position >= 16) {
    const __m128i block = load(text + position);
    const bool is_ascii = _mm_movemask_epi8(block) == 0;
    if (!(is_ascii && was_ascii) && !block_is_valid(block, previous)) break;
    previous = block;
    was_ascii = is_ascii;
    position += 16;
  }
  while (position > 0 && is_continuation(text[position - 1])) --position;
  return position > 0 && text[position - 1] >= 0x80 ? position - 1 : position;
}

#else

size_t valid_blocks(const uint8_t*, size_t) { return 0; }

#endif

}  // namespace

size_t valid_utf8_prefix(const uint8_t* text, size_t length) {
  constexpr uint64_t kHighBits = 0x8080808080808080u;
  size_t position = valid_blocks(text, length);
  while (position < length) {
    while (length - position >= 16) {
      uint64_t words[2];
      std::memcpy(words, text + position, sizeof words);
      if (((words[0] | words[1]) & kHighBits) != 0) break;
      position += 16;
    }
    while (position < length && text[position] < 0x80) ++position;
    while (position < length && text[position] >= 0x80) {
      const size_t step = sequence_length(text + position, length - position);
      if (step == 0) return position;
      position += step;
    }
  }
  return position;
}

}  // namespace millrace
