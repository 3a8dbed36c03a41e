// The 16-bit floating-point formats as storage: bfloat16 (8 bits of significand, the range of f32) and IEEE binary16
// (11 bits, largest value 65504). Arithmetic happens in float or double; storing rounds once, to nearest, ties to even.
#ifndef MILLRACE_CORE_HALF_H_
#define MILLRACE_CORE_HALF_H_

#include <bit>
#include <cmath>
#include <cstdint>

namespace millrace {

inline uint16_t bf16_from_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value) return static_cast<uint16_t>(bits >> 16 | 0x40u);  // a carry could make infinity of it
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline float bf16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

inline uint16_t f16_from_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) return static_cast<uint16_t>(sign | 0x7c00u);  // 65536 and more
  if (magnitude < 0x38800000u) {
    // Below 2^-14 the spacing is 2^-24: adding 0.5, whose own spacing that is, rounds as the format does.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(0.5f)));
  }
  // The bias of the exponent goes from 127 to 15; a carry out of the significand is right, up to infinity.
  return static_cast<uint16_t>(sign | ((magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13));
}

inline float f16_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fffu) << 13;
  if (magnitude >= 0x7c00u << 13) return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & 0x7fffffu));
  // Read with f32's bias the value is 2^112 too small, also where it is subnormal; the product is exact.
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(std::bit_cast<float>(magnitude) * 0x1p112f));
}

// A double as the float next to it whose last bit is set, unless it is a float: rounding that again, to fewer bits,
// gives what rounding the double at once would.
inline float round_to_odd(double value) {
  const float nearest = static_cast<float>(value);
  const uint32_t bits = std::bit_cast<uint32_t>(nearest);
  if (static_cast<double>(nearest) == value || value != value || (bits & 1u) != 0) return nearest;
  return std::bit_cast<float>(std::fabs(static_cast<double>(nearest)) < std::fabs(value) ? bits + 1 : bits - 1);
}

struct BFloat16 {
  uint16_t bits;

  BFloat16() = default;
  explicit BFloat16(float value) : bits(bf16_from_float(value)) {}
  explicit BFloat16(double value) : BFloat16(round_to_odd(value)) {}
  operator float() const { return bf16_to_float(bits); }
};

struct Float16 {
  uint16_t bits;

  Float16() = default;
  explicit Float16(float value) : bits(f16_from_float(value)) {}
  explicit Float16(double value) : Float16(round_to_odd(value)) {}
  operator float() const { return f16_to_float(bits); }
};

static_assert(sizeof(BFloat16) == 2 && sizeof(Float16) == 2);

}  // namespace millrace

#endif  // MILLRACE_CORE_HALF_H_
