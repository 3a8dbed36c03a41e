// The C API of a step in two halves, on a backend whose calls return when their work is done: what it gives and what it
// refuses, and what is said of a backend that cannot run.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "api_config.h"
#include "millrace/checkpoint.h"

namespace {

class SubmitApi : public ::testing::Test {
 protected:
  void SetUp() override {
    const mr_trainer_config config = millrace::testing::small_api_config();
    for (mr_trainer** trainer : {&trainer_, &other_}) ASSERT_EQ(mr_trainer_create(&config, trainer), MR_OK);
    for (int32_t i = 0; i < 4 * 9; ++i) tokens_.push_back(i * 7 % 100);
  }
  void TearDown() override {
    mr_trainer_destroy(trainer_);
    mr_trainer_destroy(other_);
  }
  mr_code submit() { return mr_trainer_submit(trainer_, tokens_.data(), samples_.data()); }

  std::vector<int32_t> tokens_;
  std::vector<int64_t> samples_{0, 1, 2, 3};
  mr_trainer* trainer_ = nullptr;
  mr_trainer* other_ = nullptr;
};

TEST_F(SubmitApi, BothHalvesGiveWhatTheWholeStepGives) {
  int32_t ahead = -1;
  ASSERT_EQ(mr_trainer_steps_ahead(trainer_, &ahead), MR_OK);
  EXPECT_EQ(ahead, 0);
  for (int step = 1; step <= 3; ++step) {
    mr_step_result halves, whole;
    ASSERT_EQ(submit(), MR_OK) << mr_last_error();
    ASSERT_EQ(mr_trainer_collect(trainer_, &halves), MR_OK) << mr_last_error();
    ASSERT_EQ(mr_trainer_step(other_, tokens_.data(), samples_.data(), &whole), MR_OK) << mr_last_error();
    EXPECT_EQ(halves.step, step);
    EXPECT_EQ(halves.step, whole.step);
    EXPECT_EQ(halves.loss, whole.loss);
    EXPECT_EQ(halves.grad_norm, whole.grad_norm);
    EXPECT_EQ(halves.learning_rate, whole.learning_rate);
    EXPECT_EQ(halves.num_tokens, whole.num_tokens);
  }
}

TEST_F(SubmitApi, WhatNeedsTheStateIsRefusedWhileAStepIsOutstanding) {
  mr_step_result result;
  EXPECT_EQ(mr_trainer_collect(trainer_, &result), MR_INVALID_ARGUMENT);
  EXPECT_STREQ(mr_last_error(), "expected a submitted step for collect, got none");
  mr_snapshot* snapshot = nullptr;
  ASSERT_EQ(mr_snapshot_create(trainer_, &snapshot), MR_OK);
  ASSERT_EQ(submit(), MR_OK) << mr_last_error();
  EXPECT_EQ(submit(), MR_INVALID_ARGUMENT);
  EXPECT_STREQ(mr_last_error(), "expected at most 1 steps to be outstanding, got one more; collect one first");

  const auto refused = [](mr_code code) {
    return code == MR_INVALID_ARGUMENT && std::strstr(mr_last_error(), "to be collected before") != nullptr;
  };
  double loss = 0;
  int64_t count = 0;
  std::vector<float> logits(100), bias(32);
  EXPECT_TRUE(refused(mr_trainer_step(trainer_, tokens_.data(), samples_.data(), &result)));
  EXPECT_TRUE(refused(mr_trainer_evaluate(trainer_, tokens_.data(), 1, &loss, &count)));
  EXPECT_TRUE(refused(mr_trainer_logits(trainer_, tokens_.data(), 3, logits.data())));
  EXPECT_TRUE(refused(mr_snapshot_take(snapshot, trainer_)));
  EXPECT_TRUE(refused(mr_trainer_save(trainer_, "/tmp/never")));
  EXPECT_TRUE(refused(mr_trainer_load(trainer_, "/tmp/never")));
  EXPECT_TRUE(refused(mr_trainer_read_tensor(trainer_, "gradient", "ln_f.bias", bias.data(), bias.size())));
  EXPECT_TRUE(refused(mr_trainer_write_parameter(trainer_, "ln_f.bias", bias.data(), bias.size())));

  ASSERT_EQ(mr_trainer_collect(trainer_, &result), MR_OK) << mr_last_error();
  EXPECT_EQ(mr_trainer_evaluate(trainer_, tokens_.data(), 1, &loss, &count), MR_OK) << mr_last_error();
  EXPECT_EQ(mr_snapshot_take(snapshot, trainer_), MR_OK) << mr_last_error();
  mr_snapshot_destroy(snapshot);
}

TEST(BackendReason, IsEmptyExactlyWhereTheBackendCanRun) {
  for (const char* backend : {"cpu", "reference", "cuda", "gpu"}) {
    const std::string reason = mr_backend_reason(backend);
    EXPECT_EQ(reason.empty(), mr_backend_available(backend) == 1) << backend << ": " << reason;
  }
  EXPECT_STREQ(mr_backend_reason("reference"), "");
  EXPECT_STREQ(mr_backend_reason("gpu"), "expected cpu, reference or cuda for backend, got gpu");
  EXPECT_STREQ(mr_backend_reason(nullptr), "expected cpu, reference or cuda for backend, got nothing");
}

TEST(BackendReason, IsWhatCreatingATrainerSays) {
  if (mr_backend_available("cuda") == 1) GTEST_SKIP() << "here is a GPU";
  mr_trainer_config config = millrace::testing::small_api_config();
  config.backend = "cuda";
  mr_trainer* trainer = nullptr;
  EXPECT_EQ(mr_trainer_create(&config, &trainer), MR_NO_DEVICE);
  EXPECT_NE(std::string(mr_last_error()).find(mr_backend_reason("cuda")), std::string::npos) << mr_last_error();
}

}  // namespace
