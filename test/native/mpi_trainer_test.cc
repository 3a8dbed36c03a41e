// Training with a rank in each process: the bits of ranks that are threads, in losses and in checkpoints.
#include <cstring>

#include "launched_training.h"

namespace millrace::testing {
namespace {

mr_trainer_config in_processes(mr_trainer_config config) {
  config.processes = 1;
  return config;
}

TEST(ProcessTraining, HasTheLossesAndTheCheckpointOfThreadsBitForBit) {
  for (const char* precision : {"fp32", "bf16"}) {
    mr_trainer_config config = launched_config();
    config.precision = precision;
    expect_same(train_launched(in_processes(config), 6), train_launched(config, 6));
  }
}

TEST(ProcessTraining, HasOtherBitsFromAnotherSeed) {
  mr_trainer_config config = launched_config();
  const LaunchedRun processes = train_launched(in_processes(config), 2);
  config.seed = 2;
  EXPECT_NE(processes.figures, train_launched(config, 2).figures);
}

TEST(ProcessTraining, GoesOnFromACheckpointAsThreadsDo) {
  const mr_trainer_config config = launched_config();
  const std::string before = train_launched(config, 2).checkpoint;
  const std::string path = ::testing::TempDir() + "launched-from-" + std::to_string(world->rank()) + ".safetensors";
  std::ofstream(path, std::ios::binary).write(before.data(), static_cast<std::streamsize>(before.size()));
  expect_same(train_launched(in_processes(config), 3, path), train_launched(config, 3, path));
  std::remove(path.c_str());
}

TEST(ProcessTraining, RefusesALayoutForAnotherNumberOfProcesses) {
  mr_trainer_config config = in_processes(launched_config());
  config.data_parallel += 1;
  config.global_batch = 4 * config.data_parallel;
  mr_trainer* trainer = nullptr;
  EXPECT_EQ(mr_trainer_create(&config, &trainer), MR_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(mr_last_error(), "for the number of processes, got"), nullptr) << mr_last_error();
}

TEST(ProcessTraining, RefusesWhatNeedsAllRanksInOneProcess) {
  const mr_trainer_config config = in_processes(launched_config());
  mr_trainer* trainer = nullptr;
  ASSERT_EQ(mr_trainer_create(&config, &trainer), MR_OK) << mr_last_error();
  const int32_t token = 1;
  std::vector<float> values(100);
  EXPECT_EQ(mr_trainer_logits(trainer, &token, 1, values.data()), MR_INVALID_ARGUMENT);
  EXPECT_STREQ(mr_last_error(), "expected ranks that are threads of one process for logits, got processes");
  EXPECT_EQ(mr_trainer_read_tensor(trainer, "parameter", "ln_f.bias", values.data(), 32), MR_INVALID_ARGUMENT);
  mr_trainer_destroy(trainer);
}

// A rank's own failure is what all others are told.
TEST(ProcessTraining, ARankThatFailsEndsAllAndIsNamed) {
  const mr_trainer_config config = in_processes(launched_config());
  const int culprit = world->num_ranks() - 1;
  ::setenv("MILLRACE_FAULT", ("fail:rank=" + std::to_string(culprit) + ",step=1").c_str(), 1);
  mr_trainer* trainer = nullptr;
  ASSERT_EQ(mr_trainer_create(&config, &trainer), MR_OK) << mr_last_error();
  ::unsetenv("MILLRACE_FAULT");
  const std::vector<int32_t> tokens(4 * 9, 1);
  const std::vector<int64_t> samples{0, 1, 2, 3};
  mr_step_result result{};
  EXPECT_NE(mr_trainer_step(trainer, tokens.data(), samples.data(), &result), MR_OK);
  EXPECT_NE(std::strstr(mr_last_error(), ("rank " + std::to_string(culprit) + ", step 1").c_str()), nullptr)
      << mr_last_error();
  mr_trainer_destroy(trainer);
}

}  // namespace
}  // namespace millrace::testing

int main(int argc, char** argv) {
  return millrace::testing::run_launched(argc, argv, [] {});
}
