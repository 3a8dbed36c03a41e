// The C API of checkpoints: what it refuses, and that a snapshot is of the trainer and the step it was taken of.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "api_config.h"
#include "millrace/checkpoint.h"

namespace {

// One sequence a step.
mr_trainer_config one_sequence_config() {
  mr_trainer_config config = millrace::testing::small_api_config();
  config.micro_batch = 1;
  config.global_batch = 1;
  return config;
}

class CheckpointApi : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/millrace-checkpoint-api-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    const mr_trainer_config config = one_sequence_config();
    ASSERT_EQ(mr_trainer_create(&config, &trainer_), MR_OK) << mr_last_error();
    ASSERT_EQ(mr_snapshot_create(trainer_, &snapshot_), MR_OK) << mr_last_error();
  }
  void TearDown() override {
    mr_snapshot_destroy(snapshot_);
    mr_trainer_destroy(trainer_);
    std::filesystem::remove_all(folder_);
  }

  void step() {
    const std::vector<int32_t> tokens{1, 2, 3, 4, 5, 6, 7, 8, 9};
    const int64_t sample = 0;
    mr_step_result result;
    ASSERT_EQ(mr_trainer_step(trainer_, tokens.data(), &sample, &result), MR_OK) << mr_last_error();
  }
  std::string path(const char* name) const { return folder_ + "/" + name; }

  std::string folder_;
  mr_trainer* trainer_ = nullptr;
  mr_snapshot* snapshot_ = nullptr;
};

TEST_F(CheckpointApi, ASnapshotIsOfTheStepItWasTakenAt) {
  step();
  ASSERT_EQ(mr_snapshot_take(snapshot_, trainer_), MR_OK);
  step();
  ASSERT_EQ(mr_snapshot_write(snapshot_, path("a").c_str()), MR_OK) << mr_last_error();
  ASSERT_EQ(mr_trainer_load(trainer_, path("a").c_str()), MR_OK) << mr_last_error();
  int64_t steps = 0;
  ASSERT_EQ(mr_trainer_step_count(trainer_, &steps), MR_OK);
  EXPECT_EQ(steps, 1);
}

TEST_F(CheckpointApi, ASnapshotTakesTheMemoryThatWasPlanned) {
  const mr_trainer_config config = one_sequence_config();
  mr_memory_plan plan;
  ASSERT_EQ(mr_trainer_plan(&config, &plan), MR_OK);
  uint64_t bytes = 0;
  ASSERT_EQ(mr_snapshot_bytes(snapshot_, &bytes), MR_OK);
  // The plan is the first rank's; the second keeps no copy of what both hold.
  EXPECT_LT(plan.snapshot_bytes, bytes);
  EXPECT_GT(2 * plan.snapshot_bytes, bytes);
}

TEST_F(CheckpointApi, RefusesAnEmptySnapshotAnotherTrainersAndNull) {
  EXPECT_EQ(mr_snapshot_write(snapshot_, path("a").c_str()), MR_INVALID_ARGUMENT);
  EXPECT_STREQ(mr_last_error(), "expected a snapshot that was taken, got an empty one");
  const mr_trainer_config config = one_sequence_config();
  mr_trainer* other = nullptr;
  ASSERT_EQ(mr_trainer_create(&config, &other), MR_OK);
  EXPECT_EQ(mr_snapshot_take(snapshot_, other), MR_INVALID_ARGUMENT);
  EXPECT_STREQ(mr_last_error(), "expected a snapshot of this trainer, got another's");
  mr_trainer_destroy(other);
  EXPECT_EQ(mr_snapshot_take(nullptr, trainer_), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_snapshot_take(snapshot_, nullptr), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_snapshot_write(snapshot_, nullptr), MR_INVALID_ARGUMENT);
  EXPECT_EQ(mr_snapshot_create(nullptr, &snapshot_), MR_INVALID_ARGUMENT);
  mr_snapshot_destroy(nullptr);
}

TEST_F(CheckpointApi, AFailedWriteLeavesTrainerAndSnapshotUsable) {
  ASSERT_EQ(mr_snapshot_take(snapshot_, trainer_), MR_OK);
  EXPECT_EQ(mr_snapshot_write(snapshot_, path("missing/a").c_str()), MR_IO);
  EXPECT_EQ(mr_trainer_save(trainer_, path("missing/a").c_str()), MR_IO);
  step();
  EXPECT_EQ(mr_snapshot_write(snapshot_, path("a").c_str()), MR_OK);
  EXPECT_EQ(mr_trainer_save(trainer_, path("b").c_str()), MR_OK);
}

}  // namespace
