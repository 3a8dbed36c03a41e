// What tests of checkpoints share: a folder of their own, saving and loading by a group of ranks, and what a run is.
#ifndef MILLRACE_TEST_CHECKPOINT_CASE_H_
#define MILLRACE_TEST_CHECKPOINT_CASE_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "rank_group.h"
#include "train/snapshot.h"

namespace millrace::testing {

class CheckpointCase : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/millrace-checkpoint-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const char* name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

// Dropout, a learning rate that moves everything and a schedule that a lost counter would shift.
inline TrainerConfig checkpoint_config(int tensor_parallel, int data_parallel = 1) {
  TrainerConfig config = small_config();
  config.tensor_parallel = tensor_parallel;
  config.data_parallel = data_parallel;
  config.schedule = LearningRateSchedule{Decay::kCosine, 1e-2, 1e-4, 3, 20};
  return config;
}

inline std::unique_ptr<Snapshot> empty_snapshot(RankGroup& group) {
  std::vector<ParameterSpec> specs;
  for (const Parameter& parameter : group.rank(0).model().parameters().all()) specs.push_back(parameter.spec);
  auto snapshot = std::make_unique<Snapshot>(group.config(), std::move(specs));
  group.must([&](Rank& rank) { return rank.allocate_snapshot(*snapshot); });
  return snapshot;
}

inline std::unique_ptr<Snapshot> snapshot_of(RankGroup& group) {
  auto snapshot = empty_snapshot(group);
  group.must([&](Rank& rank) { return rank.take_snapshot(*snapshot); });
  return snapshot;
}

inline Status save(RankGroup& group, const std::string& path) { return snapshot_of(group)->write(path); }

inline Status load(RankGroup& group, const std::string& path) {
  return group.run([&](Rank& rank) { return rank.load(path); }, false);
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::vector<TensorMap> state_of(RankGroup& group) {
  return {group.gather(&Parameter::master), group.gather(&Parameter::first_moment),
          group.gather(&Parameter::second_moment)};
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_CHECKPOINT_CASE_H_
