// Mixing of the dedup kernels, as docs/formats/dedup.md defines it under "Hashes". Not keyed against an attacker:
// verification is exact on sets of these hashes, so what matters is that distinct words and sequences rarely meet.
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

// Which bits of two words belong to the first n of 16 bytes.
struct TailMask {
  uint64_t low, high;
};
inline constexpr TailMask kTailMasks[17] = {
    {0x0, 0x0},
    {0xff, 0x0},
    {0xffff, 0x0},
    {0xffffff, 0x0},
    {0xffffffff, 0x0},
    {0xffffffffff, 0x0},
    {0xffffffffffff, 0x0},
    {0xffffffffffffff, 0x0},
    {0xffffffffffffffff, 0x0},
    {0xffffffffffffffff, 0xff},
    {0xffffffffffffffff, 0xffff},
    {0xffffffffffffffff, 0xffffff},
    {0xffffffffffffffff, 0xffffffff},
    {0xffffffffffffffff, 0xffffffffff},
    {0xffffffffffffffff, 0xffffffffffff},
    {0xffffffffffffffff, 0xffffffffffffff},
    {0xffffffffffffffff, 0xffffffffffffffff},
};

// Hash of a unit, one multiplication up to 16 bytes. The two halves together hold the whole product, so units of up to
// 8 bytes and equal length never meet. 16 bytes past the unit's begin and its end must be readable.
inline Hash128 hash_unit(const uint8_t* bytes, size_t length) {
  uint64_t state = kMixC + 2 * static_cast<uint64_t>(length);
  while (length > 16) [[unlikely]] {
      state = multiply_fold(load64(bytes) ^ kMixA, load64(bytes + 8) ^ state);
      length -= 16;
      bytes += 16;
    }
  const TailMask mask = kTailMasks[length];
  const uint64_t first = load64(bytes) & mask.low;
  const uint64_t second = load64(bytes + 8) & mask.high;
  const unsigned __int128 product = static_cast<unsigned __int128>(first ^ kMixA) * (second ^ state);
  const auto low = static_cast<uint64_t>(product);
  return {low ^ static_cast<uint64_t>(product >> 64), low};
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_WORDS_HASH_H_
