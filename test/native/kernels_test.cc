// The inner loops of the CPU backend at every SIMD level this machine runs; the ops tests only see the widest.
#include "cpu/kernels/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

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
