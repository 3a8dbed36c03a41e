// The same training twice: with a rank in each process that runs the test, and, in every process for itself, with ranks
// as threads. What is compared is what a user sees: losses, norms, held-out losses, checkpoint bytes.
#ifndef MILLRACE_TEST_LAUNCHED_TRAINING_H_
#define MILLRACE_TEST_LAUNCHED_TRAINING_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "api_config.h"
#include "launched_main.h"
#include "millrace/checkpoint.h"

namespace millrace::testing {

struct LaunchedRun {
  std::vector<double> figures;  // by step: loss, norm of the gradient; then the held-out loss
  std::string checkpoint;       // bytes; of processes only in the first
};

// A layout for as many ranks as there are processes: tensor-parallel pairs.
inline mr_trainer_config launched_config() {
  mr_trainer_config config = small_api_config();
  config.tensor_parallel = world->num_ranks() > 1 ? 2 : 1;
  config.data_parallel = world->num_ranks() / config.tensor_parallel;
  config.micro_batch = 1;
  config.global_batch = 4;
  config.threads = world->num_ranks();
  return config;
}

inline std::string checkpoint_path() {
  return ::testing::TempDir() + "launched-" + std::to_string(world->rank()) + ".safetensors";
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// `from`: a checkpoint to go on from; empty: none.
inline LaunchedRun train_launched(const mr_trainer_config& config, int steps, const std::string& from = "") {
  LaunchedRun run;
  mr_trainer* trainer = nullptr;
  EXPECT_EQ(mr_trainer_create(&config, &trainer), MR_OK) << mr_last_error();
  if (trainer == nullptr) return run;
  if (!from.empty()) {
    EXPECT_EQ(mr_trainer_load(trainer, from.c_str()), MR_OK) << mr_last_error();
  }
  int64_t taken = 0;
  EXPECT_EQ(mr_trainer_step_count(trainer, &taken), MR_OK);
  std::vector<int32_t> tokens(static_cast<size_t>(config.global_batch * (config.sequence_length + 1)));
  std::vector<int64_t> samples(static_cast<size_t>(config.global_batch));
  for (int64_t step = taken; step < taken + steps; ++step) {
    for (size_t i = 0; i < tokens.size(); ++i) {
      tokens[i] = static_cast<int32_t>((i * 7 + static_cast<size_t>(step) * 13) % 100);
    }
    for (size_t i = 0; i < samples.size(); ++i) samples[i] = step * config.global_batch + static_cast<int64_t>(i);
    mr_step_result result{};
    EXPECT_EQ(mr_trainer_step(trainer, tokens.data(), samples.data(), &result), MR_OK) << mr_last_error();
    run.figures.insert(run.figures.end(), {result.loss, result.grad_norm});
  }
  double loss = 0;
  int64_t count = 0;
  EXPECT_EQ(mr_trainer_evaluate(trainer, tokens.data(), 3, &loss, &count), MR_OK) << mr_last_error();
  run.figures.push_back(loss);
  const std::string path = checkpoint_path();
  EXPECT_EQ(mr_trainer_save(trainer, path.c_str()), MR_OK) << mr_last_error();
  run.checkpoint = bytes_of(path);
  std::remove(path.c_str());
  mr_trainer_destroy(trainer);
  return run;
}

inline void expect_same(const LaunchedRun& processes, const LaunchedRun& threads) {
  EXPECT_EQ(processes.figures, threads.figures);
  EXPECT_EQ(processes.checkpoint == threads.checkpoint, world->rank() == 0);
  EXPECT_EQ(processes.checkpoint.empty(), world->rank() != 0);
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_LAUNCHED_TRAINING_H_
