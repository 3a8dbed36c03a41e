// The 16-bit formats of core/half.h against their definition: values are sign, exponent and fraction as numbers, and
// rounding is to the nearest of two neighbours, ties to the one whose last bit is 0.
#include "core/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace millrace {
namespace {

constexpr uint32_t kPatterns = 1u << 16;

struct Format {
  int fraction_bits;
  int bias;
};
constexpr Format kBfloat16{7, 127};
constexpr Format kBinary16{10, 15};

// The number that a pattern of that format means.
double value_of(const Format& format, uint32_t bits) {
  const int exponent_bits = 15 - format.fraction_bits;
  const uint32_t exponent = bits >> format.fraction_bits & ((1u << exponent_bits) - 1);
  const double fraction = std::ldexp(bits & ((1u << format.fraction_bits) - 1), -format.fraction_bits);
  const double sign = (bits & 0x8000u) != 0 ? -1.0 : 1.0;
  if (exponent == (1u << exponent_bits) - 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - format.bias);
  return sign * std::ldexp(1.0 + fraction, static_cast<int>(exponent) - format.bias);
}

template <class Half>
void expect_definition(const Format& format) {
  for (uint32_t bits = 0; bits < kPatterns; ++bits) {
    Half half;
    half.bits = static_cast<uint16_t>(bits);
    const double value = value_of(format, bits);
    const float as_float = half;
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(as_float)) << bits;
      ASSERT_TRUE(std::isnan(static_cast<float>(Half(as_float)))) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(as_float), value) << bits;
    ASSERT_EQ(Half(as_float).bits, bits);
  }
}

template <class Half>
void expect_rounding(const Format& format) {
  // Up to the largest finite value, whose upper neighbour would be the next power of two.
  for (uint32_t bits = 0; std::isfinite(value_of(format, bits)); ++bits) {
    const double low = value_of(format, bits);
    const double next = value_of(format, bits + 1);
    const double high = std::isfinite(next) ? next : 2 * low - value_of(format, bits - 1);
    const double middle = (low + high) / 2;
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(Half(middle).bits, even) << bits;
    ASSERT_EQ(Half(-middle).bits, even | 0x8000u) << bits;
    ASSERT_EQ(Half(std::nextafter(middle, low)).bits, bits);
    ASSERT_EQ(Half(std::nextafter(middle, high)).bits, bits + 1);
    const float exact = static_cast<float>(middle);
    if (static_cast<double>(exact) != middle) continue;
    ASSERT_EQ(Half(exact).bits, even) << bits;
    ASSERT_EQ(Half(std::nextafterf(exact, 0.0f)).bits, bits) << bits;
    ASSERT_EQ(Half(std::nextafterf(exact, std::numeric_limits<float>::infinity())).bits, bits + 1) << bits;
  }
}

TEST(HalfTest, EveryPatternIsTheNumberItMeansAndComesBack) {
  expect_definition<BFloat16>(kBfloat16);
  expect_definition<Float16>(kBinary16);
}

TEST(HalfTest, RoundingIsToNearestTiesToEvenBetweenAllNeighbours) {
  expect_rounding<BFloat16>(kBfloat16);
  expect_rounding<Float16>(kBinary16);
}

TEST(HalfTest, ADoubleIsRoundedOnceNotTwice) {
  // Just above the middle of two neighbours: rounded to f32 first it would be the middle, and go down to even.
  const double above = 1.0 + 0x1p-11 + 0x1p-40;
  EXPECT_EQ(static_cast<float>(Float16(above)), 1.0f + 0x1p-10f);
  EXPECT_EQ(static_cast<float>(Float16(static_cast<float>(above))), 1.0f);
}

}  // namespace
}  // namespace millrace
