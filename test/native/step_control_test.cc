// The decision of a step, as a pure function of its record: clipping, the schedule, skipping, holding; and every
// table's ops on that record.
#include "core/step_control.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <limits>

#include "core/backend.h"
#include "op_case.h"
#include "train/progress.h"

namespace millrace {
namespace {

StepRules rules_of(double clip_norm) {
  StepRules rules;
  rules.schedule = LearningRateSchedule{Decay::kLinear, 1e-3, 1e-4, 10, 110};
  rules.loss_scale.dynamic = true;
  rules.loss_scale.initial = 1024;
  rules.clip_norm = clip_norm;
  return rules;
}

// A step of 8 counted tokens whose losses add up to 20 and whose scaled gradient has the norm `norm`.
StepControl ready(const StepRules& rules, double norm) {
  StepControl control = Progress::first(rules.loss_scale).control();
  begin_step(1, 1.0 / 8, control);
  control.loss_sum = 20;
  control.norm_squared = norm * norm;
  return control;
}

bool same_bits(const StepControl& a, const StepControl& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

StepVerdict verdict_of(const StepControl& control) { return static_cast<StepVerdict>(control.verdict); }

TEST(StepControl, IsARecordWhoseFieldsAreTensors) {
  StepControl control{};
  const Tensor whole{&control, DType::kF64, Shape(kStepControlFields)};
  EXPECT_EQ(control_field(whole, offsetof(StepControl, loss_sum)).data, &control.loss_sum);
  EXPECT_EQ(control_field(whole, offsetof(StepControl, norm_squared)).data, &control.norm_squared);
  EXPECT_EQ(control_field(whole, offsetof(StepControl, norm_squared)).num_elements(), 1);
}

TEST(StepControl, AnAppliedStepUnscalesItsGradientAndCountsOnce) {
  const StepRules rules = rules_of(0);
  StepControl control = ready(rules, 3 * 1024.0);
  decide_step(rules, control);
  EXPECT_EQ(verdict_of(control), StepVerdict::kApplied);
  EXPECT_EQ(control.loss, 2.5);
  EXPECT_EQ(control.gradient_norm, 3.0);
  EXPECT_EQ(control.gradient_factor, 1.0 / 1024);
  EXPECT_EQ(control.learning_rate, rules.schedule.at(1));
  EXPECT_EQ(control.used_loss_scale, 1024);
  EXPECT_EQ(control.steps, 1);
  EXPECT_EQ(control.updates, 1);
  EXPECT_EQ(control.hold, 0);
}

TEST(StepControl, ClippingBoundsTheGradientByTheGlobalNorm) {
  const auto factor_of = [](double clip_norm, double norm) {
    StepRules rules = rules_of(clip_norm);
    StepControl control = ready(rules, norm * 1024);
    decide_step(rules, control);
    return control.gradient_factor * 1024;
  };
  EXPECT_EQ(factor_of(1.0, 0.5), 1.0);
  EXPECT_EQ(factor_of(0.0, 4.0), 1.0);
  EXPECT_NEAR(factor_of(1.0, 4.0), 0.25, 1e-6);
}

TEST(StepControl, AGradientThatIsNotFiniteSkipsTheStepAndTheScheduleWaits) {
  const StepRules rules = rules_of(1.0);
  for (const double norm : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    StepControl control = ready(rules, norm);
    decide_step(rules, control);
    EXPECT_EQ(verdict_of(control), StepVerdict::kSkipped);
    EXPECT_FALSE(control.applied());
    EXPECT_EQ(control.steps, 1);
    EXPECT_EQ(control.updates, 0);
    EXPECT_EQ(control.skipped, 1);
    EXPECT_EQ(control.hold, 1);
    control.hold = 0;
    begin_step(2, 1.0 / 8, control);
    control.norm_squared = 1;
    decide_step(rules, control);
    EXPECT_EQ(control.learning_rate, rules.schedule.at(1));
    EXPECT_EQ(control.steps, 2);
  }
}

TEST(StepControl, WhatComesBehindASkippedStepDoesNotHappen) {
  const StepRules rules = rules_of(1.0);
  StepControl control = ready(rules, std::numeric_limits<double>::infinity());
  decide_step(rules, control);
  const Progress skipped = Progress::of(control);
  begin_step(2, 1.0 / 8, control);
  control.norm_squared = 1;
  decide_step(rules, control);
  EXPECT_EQ(verdict_of(control), StepVerdict::kHeld);
  EXPECT_FALSE(control.applied());
  StepControl expected = skipped.control();
  StepControl actual = Progress::of(control).control();
  EXPECT_TRUE(same_bits(expected, actual));
  EXPECT_EQ(control.hold, 1) << "until the host has looked";
}

TEST(StepControl, TheLastResortIsAVerdictOfItsOwn) {
  StepRules rules = rules_of(1.0);
  rules.loss_scale.minimum = 1024;
  rules.loss_scale.hysteresis = 1;
  StepControl control = ready(rules, std::numeric_limits<double>::infinity());
  decide_step(rules, control);
  EXPECT_EQ(verdict_of(control), StepVerdict::kExhausted);
  EXPECT_EQ(control.loss_scale, 1024);
}

TEST(StepControl, EveryTableDecidesAlikeToTheBit) {
  const StepRules rules = rules_of(1.0);
  testing::Rank rank;
  const Tensor record = rank.alloc(DType::kF64, Shape(kStepControlFields));
  StepControl& control = *record.as<StepControl>();
  for (const OpTable* table : {reference_backend(DType::kF32), reference_backend(DType::kF64),
                               reference_backend(DType::kBF16), cpu_backend(DType::kF32), cpu_backend(DType::kF16)}) {
    if (table == nullptr) continue;
    for (const double norm : {100.0, 5000.0, std::numeric_limits<double>::infinity()}) {
      StepControl expected = ready(rules, norm);
      control = Progress::first(rules.loss_scale).control();
      control.loss_sum = control.norm_squared = 7;
      ASSERT_TRUE(table->begin_step(rank.context, record, 1, 1.0 / 8).ok());
      EXPECT_EQ(control.loss_sum, 0) << "a step begins with nothing of the last";
      EXPECT_EQ(control.norm_squared, 0);
      control.loss_sum = expected.loss_sum;
      control.norm_squared = expected.norm_squared;
      decide_step(rules, expected);
      ASSERT_TRUE(table->decide_step(rank.context, record, rules).ok());
      EXPECT_TRUE(same_bits(control, expected)) << table->name << " " << norm;
    }
  }
}

}  // namespace
}  // namespace millrace
