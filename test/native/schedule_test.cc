// The learning rate of every update, against closed forms that share nothing with the code: half angles for the cosine,
// straight lines, and the points where curves meet.
#include <gtest/gtest.h>

#include <cmath>

#include "core/step_control.h"

namespace millrace {
namespace {

const double kPi = std::acos(-1.0);

// GPT-2 in the paper (section 4.2): 300,000 iterations, peak 1.5e-4, warm-up over 3,000, floor 1e-5.
constexpr LearningRateSchedule kPaper{Decay::kCosine, 1.5e-4, 1e-5, 3000, 300000};

TEST(Schedule, WarmsUpInAStraightLineFromTheFirstUpdate) {
  for (const Decay decay : {Decay::kCosine, Decay::kLinear, Decay::kConstant}) {
    LearningRateSchedule schedule = kPaper;
    schedule.decay = decay;
    for (int64_t update = 1; update <= 3000; update += 37) {
      EXPECT_NEAR(schedule.at(update) / schedule.peak, static_cast<double>(update) / 3000, 1e-15);
    }
    EXPECT_EQ(schedule.at(3000), schedule.peak);
    EXPECT_LE(schedule.at(3001), schedule.peak);
    EXPECT_GT(schedule.at(3001), 0.999 * schedule.peak) << "no step where warm-up ends";
  }
}

TEST(Schedule, TheFloorDoesNotLiftTheWarmUp) { EXPECT_LT(kPaper.at(1), kPaper.floor); }

TEST(Schedule, TheCosineIsOneHalfTurnOverTheRest) {
  for (int64_t update = 3000; update <= 300000; update += 991) {
    const double half_angle = kPi / 2 * static_cast<double>(update - 3000) / 297000;
    const double expected = std::max(1e-5, 1.5e-4 * std::cos(half_angle) * std::cos(half_angle));
    EXPECT_NEAR(kPaper.at(update), expected, 1e-18) << update;
  }
}

TEST(Schedule, TheCosineIsCutAtTheFloorAndNotBentTowardsIt) {
  // cos^2 = floor / peak = 1 / 15.
  const double crossing = 3000 + 297000 * 2 / kPi * std::acos(std::sqrt(1.0 / 15));
  const int64_t first = static_cast<int64_t>(std::ceil(crossing));
  EXPECT_EQ(first, 250622);
  EXPECT_GT(kPaper.at(first - 1), kPaper.floor);
  for (const int64_t update : {first, int64_t{299999}, int64_t{300000}, int64_t{1} << 40}) {
    EXPECT_EQ(kPaper.at(update), kPaper.floor);
  }
}

TEST(Schedule, TheLineFallsEvenlyToTheFloor) {
  const LearningRateSchedule schedule{Decay::kLinear, 1e-4, 2e-5, 10, 110};
  for (int64_t update = 10; update <= 90; ++update) {
    EXPECT_NEAR(schedule.at(update), 1e-6 * static_cast<double>(110 - update), 1e-19);
  }
  for (const int64_t update : {91, 110, 111, 100000}) EXPECT_EQ(schedule.at(update), 2e-5);
}

TEST(Schedule, WithoutAFloorBothCurvesEndAtZeroAndAreSymmetric) {
  for (const Decay decay : {Decay::kCosine, Decay::kLinear}) {
    const LearningRateSchedule schedule{decay, 1e-3, 0, 20, 220};
    EXPECT_NEAR(schedule.at(220), 0, 1e-18);
    EXPECT_NEAR(schedule.at(1000), 0, 1e-18);
    for (int64_t k = 0; k <= 100; ++k) EXPECT_NEAR(schedule.at(20 + k) + schedule.at(220 - k), 1e-3, 1e-17);
  }
}

TEST(Schedule, AConstantRateStays) {
  const LearningRateSchedule schedule{Decay::kConstant, 1e-3, 1e-5, 4, 1};
  EXPECT_EQ(schedule.at(2), 5e-4);
  for (const int64_t update : {4, 5, 1000000}) EXPECT_EQ(schedule.at(update), 1e-3);
}

TEST(Schedule, WithoutWarmUpOrWithoutARestIsDefined) {
  for (const Decay decay : {Decay::kCosine, Decay::kLinear, Decay::kConstant}) {
    const LearningRateSchedule no_warmup{decay, 1e-3, 1e-5, 0, 100};
    EXPECT_LE(no_warmup.at(1), 1e-3);
    EXPECT_GE(no_warmup.at(1), 0.98e-3);
    const LearningRateSchedule all_warmup{decay, 1e-3, 1e-5, 100, 100};
    EXPECT_EQ(all_warmup.at(50), 5e-4);
    EXPECT_EQ(all_warmup.at(100), 1e-3);
    EXPECT_EQ(all_warmup.at(101), decay == Decay::kConstant ? 1e-3 : 1e-5);
  }
}

}  // namespace
}  // namespace millrace
