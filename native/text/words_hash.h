// Mixing of the dedup kernels: 64-bit multiply-and-fold over 8-byte little-endian chunks. Not keyed against an
// attacker: verification is exact on sets of these hashes, so what matters is that distinct words and sequences rarely
// meet.
#ifndef MILLRACE_TEXT_WORDS_HASH_H_
#define MILLRACE_TEXT_WORDS_HASH_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace millrace {

static_assert(std::endian::native == std::endian::little, "hashes and spill files are defined on little-endian words");

struct Hash128 {
  uint64_t low;
  uint64_t high;
};

// Digits of pi, made odd where they multiply.
inline constexpr uint64_t kMixA = 0x243f6a8885a308d3ull;
inline constexpr uint64_t kMixB = 0x13198a2e03707345ull;
inline constexpr uint64_t kMixC = 0xa4093822299f31d1ull;
inline constexpr uint64_t kMixD = 0x082efa98ec4e6c89ull;

inline uint64_t multiply_fold(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A bijection of 64 bits in which every input bit reaches every output bit.
inline uint64_t mix64(uint64_t x) {
  x ^= x >> 32;
  x *= kMixC;
  x ^= x >> 29;
  x *= kMixD;
  return x ^ (x >> 32);
}

inline uint64_t load64(const uint8_t* bytes) {
  uint64_t value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

// The first `length` <= 8 bytes, zero-extended, from memory that is readable for 8.
inline uint64_t load_padded(const uint8_t* bytes, size_t length) {
  return length == 0 ? 0 : load64(bytes) & (~0ull >> (64 - 8 * length));
}

// The same without reading past the end.
inline uint64_t load_tail(const uint8_t* bytes, size_t length) {
  uint64_t value = 0;
  std::memcpy(&value, bytes, length);
  return value;
}

// Two independent 64-bit hashes of one word. `kPadded`: 8 bytes past its end are readable.
template <bool kPadded>
inline Hash128 hash_bytes(const uint8_t* bytes, size_t length) {
  uint64_t low = kMixC ^ length;
  uint64_t high = kMixD ^ (length * kMixA);
  size_t rest = length;
  for (; rest > 8; rest -= 8, bytes += 8) {
    const uint64_t chunk = load64(bytes);
    low = multiply_fold(low ^ chunk, kMixA);
    high = multiply_fold(high ^ chunk, kMixB);
  }
  const uint64_t chunk = kPadded ? load_padded(bytes, rest) : load_tail(bytes, rest);
  low = multiply_fold(low ^ chunk, kMixA);
  high = multiply_fold(high ^ chunk, kMixB);
  return {low, high};
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_WORDS_HASH_H_
