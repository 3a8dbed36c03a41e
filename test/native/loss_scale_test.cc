// The rule of the loss scale alone: the paper's constants, hysteresis, window and the end at the minimum.
#include <gtest/gtest.h>

#include "train/progress.h"

namespace millrace {
namespace {

LossScaleSettings fp16() {
  LossScaleSettings settings;
  settings.dynamic = true;
  return settings;
}

StepControl first_of(const LossScaleSettings& settings) { return Progress::first(settings).control(); }

void expect_advance(const LossScaleSettings& settings, bool overflow, StepControl* control, int64_t steps = 1) {
  for (int64_t i = 0; i < steps; ++i) {
    if (overflow) {
      ASSERT_TRUE(lower_loss_scale(settings, *control));
    } else {
      raise_loss_scale(settings, *control);
    }
  }
}

TEST(LossScale, BeginsAsThePaperSays) {
  EXPECT_EQ(first_of(fp16()).loss_scale, 4294967296.0);
  EXPECT_EQ(fp16().window, 1000);
  EXPECT_EQ(fp16().hysteresis, 2);
  EXPECT_EQ(first_of(LossScaleSettings{}).loss_scale, 1.0) << "fp32 and bf16 are not scaled";
}

TEST(LossScale, TheFirstOverflowUsesUpTheHysteresisAndEachLaterOneHalves) {
  StepControl control = first_of(fp16());
  expect_advance(fp16(), true, &control);
  EXPECT_EQ(control.loss_scale, 0x1p32);
  expect_advance(fp16(), true, &control);
  EXPECT_EQ(control.loss_scale, 0x1p31);
  // Not in a row: a clean step does not restore the hysteresis.
  expect_advance(fp16(), false, &control);
  expect_advance(fp16(), true, &control);
  EXPECT_EQ(control.loss_scale, 0x1p30);
}

TEST(LossScale, AWindowOfCleanStepsDoublesAndRestoresTheHysteresis) {
  StepControl control = first_of(fp16());
  expect_advance(fp16(), true, &control, 3);
  EXPECT_EQ(control.loss_scale, 0x1p30);
  expect_advance(fp16(), false, &control, 999);
  EXPECT_EQ(control.loss_scale, 0x1p30);
  expect_advance(fp16(), false, &control);
  EXPECT_EQ(control.loss_scale, 0x1p31);
  expect_advance(fp16(), true, &control);
  EXPECT_EQ(control.loss_scale, 0x1p31);
  expect_advance(fp16(), true, &control);
  EXPECT_EQ(control.loss_scale, 0x1p30);
}

TEST(LossScale, AnOverflowBeginsTheWindowAnew) {
  StepControl control = first_of(fp16());
  expect_advance(fp16(), false, &control, 999);
  expect_advance(fp16(), true, &control);
  expect_advance(fp16(), false, &control, 999);
  EXPECT_EQ(control.loss_scale, 0x1p32);
  expect_advance(fp16(), false, &control);
  EXPECT_EQ(control.loss_scale, 0x1p33);
}

TEST(LossScale, AnOverflowAtTheMinimumEndsTheRunWithAdvice) {
  LossScaleSettings settings = fp16();
  settings.minimum = 0x1p30;
  StepControl control = first_of(settings);
  expect_advance(settings, true, &control, 3);
  EXPECT_EQ(control.loss_scale, settings.minimum);
  EXPECT_FALSE(lower_loss_scale(settings, control));
  const Status status = diverged(settings, control);
  EXPECT_EQ(status.code(), MR_DIVERGED);
  EXPECT_NE(status.message().find("1073741824"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("learning rate"), std::string::npos) << status.message();
}

TEST(LossScale, WithoutScalingTooManySkippedStepsInARowEndTheRun) {
  const LossScaleSettings settings;
  StepControl control = first_of(settings);
  expect_advance(settings, true, &control, kMostSkipped - 1);
  expect_advance(settings, false, &control);
  expect_advance(settings, true, &control, kMostSkipped - 1);
  EXPECT_EQ(control.loss_scale, 1.0);
  EXPECT_FALSE(lower_loss_scale(settings, control));
  const Status status = diverged(settings, control);
  EXPECT_EQ(status.code(), MR_DIVERGED);
  EXPECT_NE(status.message().find("20 steps in a row"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace millrace
