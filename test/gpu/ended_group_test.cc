// A group that is ended while its collectives are under way on the devices: they end without an error and leave numbers
// behind, and no rank takes these for results.
#include <mutex>

#include "emulated_machine.h"
#include "rank_group.h"
#include "recording_communicator.h"

namespace millrace::testing {
namespace {

TrainerConfig two_ranks() {
  TrainerConfig config = small_config();
  config.model.num_layers = 1;
  config.tensor_parallel = 2;
  return config;
}

// Never says that its group was ended.
class Blind : public RecordingCommunicator {
 public:
  using RecordingCommunicator::RecordingCommunicator;
  Status status() override { return ok(); }
};

// Two GPUs that NCCL joins, and a step that is outstanding on both when a rank ends their groups.
class EndedRun {
 public:
  explicit EndedRun(bool blind)
      : group_(two_ranks(), *cuda_backend(DType::kF32), ParallelPolicy::standard(),
               [this, blind](Place place) { return blind ? blinded(place) : place; }) {}

  Status submit() {
    const TestBatch batch(group_.config(), 1);
    return group_.run([&](Rank& rank) { return rank.submit(batch.tokens.data(), batch.samples.data()); });
  }
  void end() {
    for (Communicator* each : group_.rank(0).place().groups()) each->abort(Status(MR_IO, "the disk is full"));
  }
  Status collect(double* loss) {
    return group_.run([&](Rank& rank) -> Status {
      StepResult result;
      MR_RETURN_IF_ERROR(rank.collect(&result));
      if (rank.place().rank == 0) *loss = result.loss;
      return ok();
    });
  }
  Status read_gradient() {
    std::vector<float> values(static_cast<size_t>(group_.config().model.hidden_size));
    return group_.run([&](Rank& rank) { return rank.read_tensor(true, "ln_f.bias", values.data()); }, false);
  }
  Status keep() {
    std::vector<ParameterSpec> specs;
    for (const Parameter& parameter : group_.rank(0).model().parameters().all()) specs.push_back(parameter.spec);
    Snapshot snapshot(group_.config(), specs);
    const Status allocated = group_.run([&](Rank& rank) { return rank.allocate_snapshot(snapshot); });
    EXPECT_TRUE(allocated.ok()) << allocated.message();
    return group_.run([&](Rank& rank) { return rank.take_snapshot(snapshot); });
  }

 private:
  Place blinded(Place place) {
    const std::lock_guard lock(mutex_);
    for (Communicator** group : {&place.tensor_group, &place.data_group, &place.world_group}) {
      blind_.push_back(std::make_unique<Blind>(*group));
      *group = blind_.back().get();
    }
    return place;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Communicator>> blind_;
  RankGroup group_;
};

// What `work` ends with when the groups are ended under a step.
template <class Work>
Status ended_under(bool blind, const Work& work) {
  const EmulatedMachine machine(2, true, false);
  EndedRun run(blind);
  const Status submitted = run.submit();
  EXPECT_TRUE(submitted.ok()) << submitted.message();
  run.end();
  return work(run);
}

double loss_of_the_step() {
  const EmulatedMachine machine(2, true, false);
  EndedRun run(false);
  double loss = 0;
  EXPECT_TRUE(run.submit().ok());
  EXPECT_TRUE(run.collect(&loss).ok());
  return loss;
}

TEST(EndedGroup, WhatItsCollectivesLeftIsNoResultAndTheReasonIsGiven) {
  double loss = 0;
  for (const Status& status : {ended_under(false, [&](EndedRun& run) { return run.collect(&loss); }),
                               ended_under(false, [](EndedRun& run) { return run.read_gradient(); }),
                               ended_under(false, [](EndedRun& run) { return run.keep(); })}) {
    EXPECT_EQ(status.code(), MR_IO);
    EXPECT_NE(status.message().find("the disk is full"), std::string::npos) << status.message();
  }
  EXPECT_EQ(loss, 0);
}

// The twin: a rank that does not ask.
TEST(EndedGroup, ARankThatDoesNotAskTakesItForAResult) {
  double loss = 0;
  const Status collected = ended_under(true, [&](EndedRun& run) { return run.collect(&loss); });
  EXPECT_TRUE(collected.ok()) << collected.message();
  EXPECT_NE(loss, 0);
  EXPECT_NE(loss, loss_of_the_step());
  EXPECT_TRUE(ended_under(true, [](EndedRun& run) { return run.read_gradient(); }).ok());
  EXPECT_TRUE(ended_under(true, [](EndedRun& run) { return run.keep(); }).ok());
}

}  // namespace
}  // namespace millrace::testing
