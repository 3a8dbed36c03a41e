// The inner loops of the CPU backend at every SIMD level this machine runs; the ops tests only see the widest.
#include "cpu/kernels/kernels.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/half.h"
#include "op_case.h"

namespace millrace::cpu {
namespace {

using millrace::testing::random_value;

constexpr int64_t kLengths[] = {1, 2, 7, 15, 16, 17, 33, 100, 1000};

std::vector<const Kernels*> levels() {
  std::vector<const Kernels*> all;
  for (int level = 0; level < kMaxLevels; ++level) {
    if (kernels_at(level) != nullptr) all.push_back(kernels_at(level));
  }
  return all;
}

std::vector<float> random_floats(uint64_t stream, int64_t n, double scale = 1.0) {
  std::vector<float> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) values[static_cast<size_t>(i)] = static_cast<float>(scale * random_value(stream, i));
  return values;
}

TEST(KernelsTest, TheWidestLevelIsChosen) {
  ASSERT_FALSE(levels().empty());
  EXPECT_EQ(&kernels(), levels().front());
}

TEST(KernelsTest, ExpIsWithinTwoUlp) {
  std::vector<float> x;
  for (double value = -87.3; value <= 0.0; value += 0.000173) x.push_back(static_cast<float>(value));
  for (const Kernels* level : levels()) {
    std::vector<float> y = x;
    level->softmax_scaled(y.data(), static_cast<int64_t>(y.size()), 0.0f, 1.0f);
    double worst = 0.0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(static_cast<double>(x[i]));
      const float rounded = static_cast<float>(exact);
      const double ulp = static_cast<double>(std::nextafterf(rounded, INFINITY)) - static_cast<double>(rounded);
      worst = std::max(worst, std::abs(static_cast<double>(y[i]) - exact) / ulp);
    }
    EXPECT_LE(worst, 2.0) << level->name;
  }
}

TEST(KernelsTest, ExpOfTheEdgesIsWhatSoftmaxNeeds) {
  for (const Kernels* level : levels()) {
    const auto exp_of = [&](float x) { return level->sum_exp(&x, 1, 0.0f); };
    EXPECT_EQ(exp_of(0.0f), 1.0f);
    EXPECT_EQ(exp_of(-INFINITY), 0.0f);
    EXPECT_EQ(exp_of(-100.0f), 0.0f);
    EXPECT_TRUE(std::isnan(exp_of(NAN))) << "a broken logit must not pass as a probability";
  }
}

double cdf_of(bool tanh_form, double x) {
  if (tanh_form) return 0.5 * (1.0 + std::tanh(std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x)));
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

TEST(KernelsTest, GeluAndItsDerivativeAreExactToF32OverAllInputs) {
  constexpr double kTolerance = 1e-6;  // a dozen roundings of 6e-8 each, relative to max(1, |x|)
  std::vector<float> x = {-INFINITY, -1e30f, 1e30f};
  for (double value = -20.0; value < 20.0; value += 0.00317) x.push_back(static_cast<float>(value));
  const int64_t n = static_cast<int64_t>(x.size());
  for (const Kernels* level : levels()) {
    for (const bool tanh_form : {true, false}) {
      std::vector<float> y(x.size()), slope(x.size(), 1.0f), pre = x;
      (tanh_form ? level->gelu_tanh : level->gelu_erf)(y.data() + 1, pre.data() + 1, nullptr, n - 1);
      (tanh_form ? level->gelu_tanh_backward : level->gelu_erf_backward)(slope.data() + 1, x.data() + 1, n - 1);
      EXPECT_EQ(y[1], 0.0f) << level->name;
      EXPECT_EQ(y[2], 1e30f) << level->name;
      EXPECT_EQ(slope[1], 0.0f) << level->name;
      EXPECT_EQ(slope[2], 1.0f) << level->name;
      for (size_t i = 3; i < x.size(); ++i) {
        const double at = static_cast<double>(x[i]);
        const double scale = std::max(1.0, std::abs(at));
        ASSERT_NEAR(static_cast<double>(y[i]), at * cdf_of(tanh_form, at), kTolerance * scale) << level->name << at;
        constexpr double kStep = 1e-5;
        const double difference =
            ((at + kStep) * cdf_of(tanh_form, at + kStep) - (at - kStep) * cdf_of(tanh_form, at - kStep)) /
            (2.0 * kStep);
        ASSERT_NEAR(static_cast<double>(slope[i]), difference, kTolerance * scale) << level->name << at;
      }
    }
  }
}

// Every other loop against the widest, or against the formula where levels may not share an error.
TEST(KernelsTest, ReductionsAreExactAtEveryLevelAndLength) {
  for (const Kernels* level : levels()) {
    for (const int64_t n : kLengths) {
      const std::vector<float> a = random_floats(1, n, 3.0);
      const std::vector<float> b = random_floats(2, n);
      double maximum = -INFINITY, sum = 0.0, dot = 0.0, squares = 0.0, magnitude = 0.0;
      for (size_t i = 0; i < a.size(); ++i) {
        const double x = static_cast<double>(a[i]);
        const double y = static_cast<double>(b[i]);
        maximum = std::max(maximum, x);
        sum += std::exp(x - 3.0);
        dot += x * y;
        magnitude += std::abs(x * y);
        squares += x * x;
      }
      constexpr double kTolerance = 1e-6;
      EXPECT_EQ(static_cast<double>(level->maximum(a.data(), n)), maximum) << level->name << " " << n;
      EXPECT_NEAR(static_cast<double>(level->sum_exp(a.data(), n, 3.0f)), sum, kTolerance * sum)
          << level->name << " " << n;
      EXPECT_NEAR(static_cast<double>(level->dot(a.data(), b.data(), n)), dot, kTolerance * magnitude)
          << level->name << " " << n;
      EXPECT_NEAR(level->sum_squares(a.data(), n), squares, 1e-14 * squares) << level->name << " " << n;
    }
  }
}

TEST(KernelsTest, TheLargerOfTwoIsNotANumberWhereEitherIsNot) {
  for (const Kernels* level : levels()) {
    for (const int64_t n : kLengths) {
      std::vector<float> x = random_floats(1, n), expected = x;
      std::vector<float> other = random_floats(2, n);
      for (size_t i = 0; i < x.size(); ++i) {
        if (i % 5 == 1) x[i] = NAN;
        if (i % 5 == 2) other[i] = NAN;
        expected[i] = std::isnan(x[i]) || std::isnan(other[i]) ? NAN : std::max(x[i], other[i]);
      }
      level->take_larger(x.data(), other.data(), n);
      for (size_t i = 0; i < x.size(); ++i) {
        ASSERT_TRUE(std::isnan(expected[i]) ? std::isnan(x[i]) : x[i] == expected[i]) << level->name << " " << i;
      }
    }
  }
}

TEST(KernelsTest, EveryLevelAgreesWithTheWidestOnRows) {
  for (const Kernels* level : levels()) {
    for (const int64_t n : kLengths) {
      const size_t size = static_cast<size_t>(n);
      const std::vector<float> x = random_floats(1, n), gamma = random_floats(2, n), beta = random_floats(3, n);
      const auto everything = [&](const Kernels& k) {
        std::vector<double> out;
        const auto keep = [&](const std::vector<float>& values) {
          out.insert(out.end(), values.begin(), values.end());
        };
        float mean = 0.0f, rstd = 0.0f;
        std::vector<float> y(size), dx = beta, dgamma(size), dbeta(size), p = x, dp = gamma, m(size), v(size, 0.1f),
                                    q = beta;
        k.layernorm(y.data(), &mean, &rstd, x.data(), gamma.data(), beta.data(), n, 0.1f);
        keep(y);
        k.layernorm_backward(dx.data(), dgamma.data(), dbeta.data(), gamma.data(), x.data(), beta.data(), n, mean,
                             rstd);
        keep(dx), keep(dgamma), keep(dbeta);
        k.attention_backward(p.data(), dp.data(), beta.data(), n, 0.5f, 1.0f, 0.25f);
        keep(p), keep(dp);
        k.adamw(q.data(), m.data(), v.data(), x.data(), n,
                AdamWFactors{.9f, .99f, .1f, .01f, 1e-2f, 3.f, 1e-8f, .01f, 1.f});
        keep(q), keep(m), keep(v);
        k.residual(y.data(), x.data(), gamma.data(), beta.data(), m.data(), n);
        keep(y);
        k.residual(y.data(), x.data(), gamma.data(), nullptr, nullptr, n);
        k.scale(y.data(), 0.3f, n);
        k.add(y.data(), beta.data(), n);
        keep(y);
        return out;
      };
      EXPECT_LE(millrace::testing::relative_difference(everything(kernels()), everything(*level)), 2e-6)
          << level->name << " " << n;
    }
  }
}

TEST(KernelsTest, TheConversionsOf16BitFormatsHaveTheBitsOfTheScalarOnes) {
  std::vector<uint16_t> patterns;
  for (uint32_t bits = 0; bits < 1u << 16; ++bits) patterns.push_back(static_cast<uint16_t>(bits));
  std::vector<float> floats;
  uint32_t state = 1;
  for (int i = 0; i < 300007; ++i) floats.push_back(std::bit_cast<float>(state = state * 1664525u + 1013904223u));
  // Ties and their neighbours, on both sides of every border of binary16.
  for (uint32_t bits = 0x33000000u; bits < 0x47900000u; bits += 0x1000u) {
    for (const uint32_t near : {bits - 1, bits, bits + 1}) floats.push_back(std::bit_cast<float>(near));
  }
  const auto same = [](float a, float b) { return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b); };
  for (const Kernels* level : levels()) {
    std::vector<float> wide(patterns.size());
    level->widen_bf16(wide.data(), patterns.data(), static_cast<int64_t>(wide.size()));
    for (size_t i = 0; i < wide.size(); ++i) ASSERT_TRUE(same(wide[i], bf16_to_float(patterns[i]))) << level->name << i;
    level->widen_f16(wide.data(), patterns.data(), static_cast<int64_t>(wide.size()));
    for (size_t i = 0; i < wide.size(); ++i) {
      const bool nan = std::isnan(wide[i]) && std::isnan(f16_to_float(patterns[i]));  // instructions make them quiet
      ASSERT_TRUE(nan || same(wide[i], f16_to_float(patterns[i]))) << level->name << " " << i;
    }
    std::vector<uint16_t> narrow(floats.size());
    level->narrow_bf16(narrow.data(), floats.data(), static_cast<int64_t>(narrow.size()));
    for (size_t i = 0; i < narrow.size(); ++i) ASSERT_EQ(narrow[i], bf16_from_float(floats[i])) << level->name;
    level->narrow_f16(narrow.data(), floats.data(), static_cast<int64_t>(narrow.size()));
    for (size_t i = 0; i < narrow.size(); ++i) {
      const bool nan = std::isnan(floats[i]) && std::isnan(f16_to_float(narrow[i]));
      ASSERT_TRUE(nan || narrow[i] == f16_from_float(floats[i])) << level->name << " " << floats[i];
    }
  }
}

TEST(KernelsTest, TheBf16ProductIsThatOfItsOperandsInEveryLayoutAndSize) {
  // Without the instruction bf16 is multiplied on fp16's path, which ops_test checks on every machine.
  if (!bf16_products()) GTEST_SKIP() << "this processor has no AVX512-BF16 instruction: there is no such product here";
  for (const auto& [rows, columns, depth] : {std::array<int64_t, 3>{1, 1, 1}, {14, 32, 2}, {15, 33, 7}, {47, 70, 65}}) {
    for (const bool a_inner : {true, false}) {
      for (const bool b_inner : {true, false}) {
        // Integers that bf16 holds: sums of their products are exact, so every element must be.
        const auto integer = [](int64_t i) { return static_cast<float>((i * 7919 + 13) % 31 - 15); };
        std::vector<uint16_t> a, b;
        for (int64_t i = 0; i < rows * depth; ++i) a.push_back(bf16_from_float(integer(i)));
        for (int64_t i = 0; i < columns * depth; ++i) b.push_back(bf16_from_float(integer(i + 5)));
        const auto left = [&](int64_t r, int64_t d) { return integer(a_inner ? r * depth + d : d * rows + r); };
        const auto right = [&](int64_t c, int64_t d) {
          return integer((b_inner ? c * depth + d : d * columns + c) + 5);
        };
        std::vector<float> c(static_cast<size_t>(rows * columns), 1.0f);
        std::vector<uint32_t> space(static_cast<size_t>((depth + 1) / 2 * (rows + kBf16Rows + columns + kBf16Columns)),
                                    0x7fff7fffu);
        for (const bool add : {false, true}) {
          kernels().bf16_product(c.data(), {a.data(), a_inner ? depth : rows, rows, a_inner},
                                 {b.data(), b_inner ? depth : columns, columns, b_inner}, depth, add, space.data());
          for (int64_t i = 0; i < rows * columns; ++i) {
            float sum = 0;
            for (int64_t d = 0; d < depth; ++d) sum += left(i / columns, d) * right(i % columns, d);
            ASSERT_EQ(c[static_cast<size_t>(i)], add ? 2 * sum : sum) << rows << " " << a_inner << b_inner << " " << i;
          }
        }
      }
    }
  }
}

TEST(KernelsTest, DecayIsNotLostToRoundingAtASmallLearningRate) {
  // At learning rate 1e-5 and decay 0.01 a factor of 1 - 1e-7 is 1 - 1.19e-7 in f32, a fifth too much. The updates of a
  // real step carry the small sum over the roundings of the parameters, which then cancel in the mean.
  constexpr int64_t kCount = 1 << 18;
  constexpr float kRate = 1e-5f, kDecay = 1e-7f;
  for (int level = 0; level < kMaxLevels; ++level) {
    const Kernels* k = kernels_at(level);
    if (k == nullptr) continue;
    std::vector<float> param, gradient, m(kCount), v(kCount);
    uint32_t state = 1;
    const auto next = [&] { return static_cast<float>((state = state * 1664525u + 1013904223u) >> 8) / 16777216.0f; };
    for (int64_t i = 0; i < kCount; ++i) {
      param.push_back(0.5f + 0.5f * next());
      gradient.push_back(next() - 0.5f);
    }
    const std::vector<float> before = param;
    k->adamw(param.data(), m.data(), v.data(), gradient.data(), kCount,
             AdamWFactors{0.9f, 0.999f, 0.1f, 0.001f, kRate / 0.1f, 1.0f / std::sqrt(0.001f), 1e-8f, kDecay, 1.0f});
    double decayed = 0, expected = 0;
    for (size_t i = 0; i < before.size(); ++i) {
      const double g = static_cast<double>(gradient[i]);
      const double old = static_cast<double>(before[i]);
      const double step = static_cast<double>(kRate) * g / (std::abs(g) + 1e-8);
      decayed += old - step - static_cast<double>(param[i]);
      expected += static_cast<double>(kDecay) * old;
    }
    EXPECT_NEAR(decayed / expected, 1.0, 0.02) << k->name;
  }
}

}  // namespace
}  // namespace millrace::cpu
