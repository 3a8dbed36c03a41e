// The rule of the loss scale alone: the paper's constants, hysteresis, window and the end at the minimum.
#include "train/loss_scale.h"

#include <gtest/gtest.h>

namespace millrace {
namespace {

LossScaleSettings fp16() {
  LossScaleSettings settings;
  settings.dynamic = true;
  return settings;
}

void expect_advance(const LossScaleSettings& settings, bool overflow, LossScaleState* state, int64_t steps = 1) {
  for (int64_t i = 0; i < steps; ++i) {
    const Status status = advance_loss_scale(settings, overflow, state);
    ASSERT_TRUE(status.ok()) << status.message();
  }
}

TEST(LossScale, BeginsAsThePaperSays) {
  const LossScaleState state = first_loss_scale(fp16());
  EXPECT_EQ(state.scale, 4294967296.0);
  EXPECT_EQ(fp16().window, 1000);
  EXPECT_EQ(fp16().hysteresis, 2);
  EXPECT_EQ(first_loss_scale(LossScaleSettings{}).scale, 1.0) << "fp32 and bf16 are not scaled";
}

TEST(LossScale, TheFirstOverflowUsesUpTheHysteresisAndEachLaterOneHalves) {
  LossScaleState state = first_loss_scale(fp16());
  expect_advance(fp16(), true, &state);
  EXPECT_EQ(state.scale, 0x1p32);
  expect_advance(fp16(), true, &state);
  EXPECT_EQ(state.scale, 0x1p31);
  // Not in a row: a clean step does not restore the hysteresis.
  expect_advance(fp16(), false, &state);
  expect_advance(fp16(), true, &state);
  EXPECT_EQ(state.scale, 0x1p30);
}

TEST(LossScale, AWindowOfCleanStepsDoublesAndRestoresTheHysteresis) {
  LossScaleState state = first_loss_scale(fp16());
  expect_advance(fp16(), true, &state, 3);
  EXPECT_EQ(state.scale, 0x1p30);
  expect_advance(fp16(), false, &state, 999);
  EXPECT_EQ(state.scale, 0x1p30);
  expect_advance(fp16(), false, &state);
  EXPECT_EQ(state.scale, 0x1p31);
  expect_advance(fp16(), true, &state);
  EXPECT_EQ(state.scale, 0x1p31);
  expect_advance(fp16(), true, &state);
  EXPECT_EQ(state.scale, 0x1p30);
}

TEST(LossScale, AnOverflowBeginsTheWindowAnew) {
  LossScaleState state = first_loss_scale(fp16());
  expect_advance(fp16(), false, &state, 999);
  expect_advance(fp16(), true, &state);
  expect_advance(fp16(), false, &state, 999);
  EXPECT_EQ(state.scale, 0x1p32);
  expect_advance(fp16(), false, &state);
  EXPECT_EQ(state.scale, 0x1p33);
}

TEST(LossScale, AnOverflowAtTheMinimumEndsTheRunWithAdvice) {
  LossScaleSettings settings = fp16();
  settings.minimum = 0x1p30;
  LossScaleState state = first_loss_scale(settings);
  expect_advance(settings, true, &state, 3);
  EXPECT_EQ(state.scale, settings.minimum);
  const Status status = advance_loss_scale(settings, true, &state);
  EXPECT_EQ(status.code(), MR_DIVERGED);
  EXPECT_NE(status.message().find("1073741824"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("learning rate"), std::string::npos) << status.message();
}

TEST(LossScale, WithoutScalingTooManySkippedStepsInARowEndTheRun) {
  const LossScaleSettings settings;
  LossScaleState state = first_loss_scale(settings);
  expect_advance(settings, true, &state, kMostSkipped - 1);
  expect_advance(settings, false, &state);
  expect_advance(settings, true, &state, kMostSkipped - 1);
  EXPECT_EQ(state.scale, 1.0);
  EXPECT_EQ(advance_loss_scale(settings, true, &state).code(), MR_DIVERGED);
}

}  // namespace
}  // namespace millrace
