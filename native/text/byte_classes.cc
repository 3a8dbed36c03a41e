// The portable classification, by a table of bytes, and the choice among levels.
#include "text/byte_classes.h"

#include <array>

namespace millrace {

namespace {

enum Bit : uint8_t { kLetterBit = 1, kNumberBit = 2, kWhiteBit = 4, kSpaceBit = 8, kApostropheBit = 16, kWideBit = 32 };

constexpr std::array<uint8_t, 256> make_bits() {
  std::array<uint8_t, 256> bits{};
  for (int c = 0; c < 256; ++c) {
    uint8_t value = 0;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) value = kLetterBit;
    if (c >= '0' && c <= '9') value = kNumberBit;
    if (c >= '\t' && c <= '\r') value = kWhiteBit;
    if (c == ' ') value = kWhiteBit | kSpaceBit;
    if (c == '\'') value = kApostropheBit;
    if (c >= 0x80) value = kWideBit;
    bits[static_cast<size_t>(c)] = value;
  }
  return bits;
}

constexpr std::array<uint8_t, 256> kBits = make_bits();

// Bit `bit` of eight bytes, gathered into eight bits: the product moves the lowest bit of byte i to bit 56 + i.
inline uint64_t gather(uint64_t bytes, int bit) {
  return ((bytes >> bit) & 0x0101010101010101ull) * 0x0102040810204080ull >> 56;
}

}  // namespace

void classify_bytes_scalar(const uint8_t* text, size_t num_blocks, ByteClasses* out) {
  for (size_t block = 0; block < num_blocks; ++block, text += 64) {
    ByteClasses classes{};
    for (int part = 0; part < 64; part += 8) {
      uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits |= static_cast<uint64_t>(kBits[text[part + i]]) << (8 * i);
      classes.letters |= gather(bits, 0) << part;
      classes.numbers |= gather(bits, 1) << part;
      classes.white |= gather(bits, 2) << part;
      classes.spaces |= gather(bits, 3) << part;
      classes.apostrophes |= gather(bits, 4) << part;
      classes.wide |= gather(bits, 5) << part;
    }
    out[block] = classes;
  }
}

ClassifyBytes classify_bytes_for(SimdLevel level) {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512) return classify_bytes_avx512;
  if (level == SimdLevel::kAvx2) return classify_bytes_avx2;
#endif
  static_cast<void>(level);
  return classify_bytes_scalar;
}

}  // namespace millrace
