// Steps that are submitted ahead of their results, on a device whose memory is out of reach and whose work is late: the
// curve, the parameters and all else are those of ranks that wait for every step.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "api/mesh.h"
#include "api/rank_threads.h"
#include "far_device.h"
#include "rank_group.h"

namespace millrace::testing {
namespace {

constexpr int kSteps = 8;

// What a run leaves behind.
struct Outcome {
  std::vector<StepResult> steps;
  std::map<std::string, std::vector<float>> parameters;
  Progress progress;
};

bool same(const StepResult& a, const StepResult& b) {
  const auto bits = [](double x) { return std::bit_cast<uint64_t>(x); };
  return a.step == b.step && bits(a.loss) == bits(b.loss) && bits(a.gradient_norm) == bits(b.gradient_norm) &&
         a.learning_rate == b.learning_rate && a.num_tokens == b.num_tokens && a.loss_scale == b.loss_scale &&
         a.skipped == b.skipped && a.overflow == b.overflow;
}

bool same(const Outcome& a, const Outcome& b) {
  return a.steps.size() == b.steps.size() && a.parameters == b.parameters && a.progress.steps == b.progress.steps &&
         a.progress.updates == b.progress.updates && a.progress.loss_scale == b.progress.loss_scale &&
         a.progress.good_steps == b.progress.good_steps && a.progress.hysteresis == b.progress.hysteresis &&
         std::equal(a.steps.begin(), a.steps.end(), b.steps.begin(),
                    [](const StepResult& x, const StepResult& y) { return same(x, y); });
}

using MakeDevice = std::function<std::shared_ptr<Device>()>;

MakeDevice far_away(bool run_soon = false) {
  return [run_soon] { return std::make_shared<FarDevice>(run_soon); };
}
MakeDevice at_hand() {
  return [] { return shared_host_device(); };
}

// The ranks of a run over devices that a test chooses.
class Training {
 public:
  Training(const TrainerConfig& config, const OpTable& ops, const MakeDevice& make)
      : config_(config), threads_(config.world()) {
    const Status joined = mesh_.create(ops, config.tensor_parallel, config.data_parallel, config.verify_parallel);
    EXPECT_TRUE(joined.ok()) << joined.message();
    const size_t world = static_cast<size_t>(config.world());
    ranks_.resize(world);
    devices_.resize(world);
    far_.resize(world);
    const Status status = threads_.run([&](int r) {
      const size_t i = static_cast<size_t>(r);
      devices_[i] = make();
      return Rank::create(config, ops, place_of(r), devices_[i], nullptr, ParallelPolicy::standard(), &ranks_[i]);
    });
    EXPECT_TRUE(status.ok()) << status.message();
  }
  // Memory of a rank is freed by its own thread.
  ~Training() {
    (void)threads_.run([&](int r) {
      ranks_[static_cast<size_t>(r)].reset();
      return ok();
    });
  }

  Status together(const std::function<Status(Rank&)>& work) {
    return threads_.run([&](int r) { return ranks_[static_cast<size_t>(r)]->run(true, work); });
  }
  Status submit(int64_t number) {
    TestBatch batch(config_, number);
    return together([&](Rank& rank) { return rank.submit(batch.tokens.data(), batch.samples.data()); });
  }
  Status collect(StepResult* out) {
    return together([&](Rank& rank) -> Status {
      StepResult own;
      MR_RETURN_IF_ERROR(rank.collect(&own));
      if (rank.place().rank == 0) *out = own;
      return ok();
    });
  }
  // Steps first to last, as far ahead as the device allows.
  Status train(int64_t first, int64_t last, std::vector<StepResult>* out) {
    const int64_t ahead = ranks_.front()->steps_ahead();
    for (int64_t number = first; number <= last + ahead; ++number) {
      if (number <= last) MR_RETURN_IF_ERROR(submit(number));
      if (number - first < ahead) continue;
      StepResult result;
      MR_RETURN_IF_ERROR(collect(&result));
      out->push_back(result);
    }
    return ok();
  }
  Outcome outcome() {
    Outcome outcome;
    const Status status = train(1, kSteps, &outcome.steps);
    EXPECT_TRUE(status.ok()) << status.message();
    outcome.parameters = parameters();
    outcome.progress = ranks_.front()->progress();
    return outcome;
  }
  std::map<std::string, std::vector<float>> parameters() {
    std::map<std::string, std::vector<float>> all;
    for (const Parameter& parameter : ranks_.front()->model().parameters().all()) {
      std::vector<float>& values = all[parameter.spec.name];
      values.resize(static_cast<size_t>(parameter.spec.num_elements()));
      const Status status =
          together([&](Rank& rank) { return rank.read_tensor(false, parameter.spec.name, values.data()); });
      EXPECT_TRUE(status.ok()) << status.message();
    }
    return all;
  }
  Rank& rank(int r) { return *ranks_[static_cast<size_t>(r)]; }
  FarDevice& device(int r) { return static_cast<FarDevice&>(*devices_[static_cast<size_t>(r)]); }

 private:
  Place place_of(int r) {
    Place place = mesh_.place_of(r);
    const size_t i = static_cast<size_t>(r);
    if (devices_[i].get() == &host_device()) return place;
    Communicator** groups[] = {&place.tensor_group, &place.data_group, &place.world_group};
    for (size_t g = 0; g < 3; ++g) {
      if (*groups[g] == nullptr) continue;
      far_[i][g] = std::make_unique<FarCommunicator>(*groups[g]);
      *groups[g] = far_[i][g].get();
    }
    return place;
  }

  TrainerConfig config_;
  Mesh mesh_;
  RankThreads threads_;
  std::vector<std::array<std::unique_ptr<FarCommunicator>, 3>> far_;
  std::vector<std::shared_ptr<Device>> devices_;
  std::vector<std::unique_ptr<Rank>> ranks_;
};

TrainerConfig layout(int tensor_parallel, int data_parallel) {
  TrainerConfig config = small_config();
  config.tensor_parallel = tensor_parallel;
  config.data_parallel = data_parallel;
  config.micro_batch = 1;
  config.schedule = LearningRateSchedule{Decay::kCosine, 3e-3, 1e-4, 3, 40};
  return config;
}

// fp16 from a scale that is too large: steps are skipped one after another, then now and again.
TrainerConfig overflowing(int tensor_parallel, int data_parallel) {
  TrainerConfig config = layout(tensor_parallel, data_parallel);
  config.dtype = DType::kF16;
  config.loss_scale.dynamic = true;
  config.loss_scale.initial = 0x1p21;
  config.loss_scale.window = 2;
  config.loss_scale.hysteresis = 1;
  return config;
}

const OpTable& far_f32() {
  static const OpTable table = far_table<DType::kF32>();
  return table;
}
const OpTable& far_f16() {
  static const OpTable table = far_table<DType::kF16>();
  return table;
}

Outcome waited_for(const TrainerConfig& config) {
  return Training(config, *reference_backend(config.dtype), at_hand()).outcome();
}

TEST(Submit, AheadOfTheDeviceHasTheResultsOfWaitingForEachStep) {
  for (const auto& [tensor_parallel, data_parallel] : {std::pair{1, 1}, {2, 1}, {2, 2}}) {
    SCOPED_TRACE(::testing::Message() << tensor_parallel << "x" << data_parallel);
    const TrainerConfig config = layout(tensor_parallel, data_parallel);
    const Outcome expected = waited_for(config);
    EXPECT_LT(expected.steps.back().loss, expected.steps.front().loss);
    EXPECT_TRUE(same(Training(config, far_f32(), far_away()).outcome(), expected));
    EXPECT_TRUE(same(Training(config, far_f32(), far_away(true)).outcome(), expected));
  }
}

TEST(Submit, VerifiedAndRecomputedRunsTooKeepTheirBits) {
  TrainerConfig config = layout(2, 1);
  config.verify_parallel = true;
  config.model.padded_vocab_size = 512;
  EXPECT_TRUE(same(Training(config, far_f32(), far_away()).outcome(), waited_for(config)));
  config = layout(1, 1);
  config.recompute = Recompute::kFull;
  EXPECT_TRUE(same(Training(config, far_f32(), far_away()).outcome(), waited_for(config)));
}

TEST(Submit, OnlyEnqueuesAndReplaysWhatItHasRecorded) {
  Training run(layout(1, 1), far_f32(), far_away());
  ASSERT_TRUE(run.submit(1).ok());
  EXPECT_GT(run.device(0).num_waiting(), 100u) << "nothing of the step was waited for";
  ASSERT_TRUE(run.submit(2).ok());
  // Four micro-batches and an update a step; the first of each is no record yet.
  EXPECT_EQ(run.device(0).num_replays(), 4 + 4 + 1 - 1);
  EXPECT_EQ(run.submit(3).code(), MR_INTERNAL) << "a third would overwrite the first one's result";
}

TEST(Submit, ASkippedStepHoldsTheOneBehindItUntilItIsCollected) {
  for (const auto& [tensor_parallel, data_parallel] : {std::pair{1, 1}, {2, 2}}) {
    SCOPED_TRACE(::testing::Message() << tensor_parallel << "x" << data_parallel);
    const TrainerConfig config = overflowing(tensor_parallel, data_parallel);
    const Outcome expected = waited_for(config);
    int skipped = 0, applied = 0;
    for (const StepResult& step : expected.steps) ++(step.skipped ? skipped : applied);
    ASSERT_GE(skipped, 2) << "two in a row, so that one is held behind another";
    ASSERT_GE(applied, 2);
    EXPECT_NE(expected.steps.front().overflow, "");
    EXPECT_TRUE(same(Training(config, far_f16(), far_away()).outcome(), expected));
    EXPECT_TRUE(same(Training(config, far_f16(), far_away(true)).outcome(), expected));
  }
}

// What goes wrong is an error or another curve, never silence.
bool seen(const TrainerConfig& config, const OpTable& broken, const MakeDevice& make = far_away()) {
  const Outcome expected = waited_for(config);
  Training run(config, broken, make);
  Outcome actual;
  if (!run.train(1, kSteps, &actual.steps).ok()) return true;
  actual.parameters = run.parameters();
  actual.progress = run.rank(0).progress();
  return !same(actual, expected);
}

TEST(Submit, AStepThatIsNotHeldIsSeen) {
  OpTable broken = far_f16();
  broken.decide_step = [](Context& context, Tensor control, const StepRules& rules) -> Status {
    MR_RETURN_IF_ERROR(far_f16().decide_step(context, control, rules));
    if (context.scratch->measuring()) return ok();
    const int64_t none = 0;
    const Tensor hold = control_field(control, offsetof(StepControl, hold));
    return context.device->to_device(context, hold.data, &none, sizeof(none));
  };
  EXPECT_FALSE(seen(overflowing(1, 1), far_f16()));
  EXPECT_TRUE(seen(overflowing(1, 1), broken));
}

TEST(Submit, AWrongShareIsSeen) {
  OpTable broken = far_f32();
  broken.begin_step = [](Context& context, Tensor control, int64_t step, double share) {
    return far_f32().begin_step(context, control, step, step == 5 ? share * 2 : share);
  };
  EXPECT_FALSE(seen(layout(1, 1), far_f32()));
  EXPECT_TRUE(seen(layout(1, 1), broken));
}

TEST(Submit, AWrongStepOfTheDrawsIsSeen) {
  OpTable broken = far_f32();
  broken.begin_step = [](Context& context, Tensor control, int64_t, double share) {
    return far_f32().begin_step(context, control, 1, share);
  };
  EXPECT_TRUE(seen(layout(1, 1), broken));
}

// Results are read before they are there.
class Hasty : public FarDevice {
 public:
  Status wait_for(const Event&) override { return ok(); }
};

TEST(Submit, AStaleResultIsAnErrorOfTheStep) {
  Training run(layout(1, 1), far_f32(), [] { return std::make_shared<Hasty>(); });
  StepResult result;
  ASSERT_TRUE(run.submit(1).ok());
  const Status status = run.collect(&result);
  EXPECT_EQ(status.code(), MR_INTERNAL);
  EXPECT_NE(status.message().find("draw_step"), std::string::npos) << status.message();
}

TEST(Submit, ARunThatIsExhaustedEndsWhenItsStepIsCollected) {
  TrainerConfig config = overflowing(2, 1);
  config.loss_scale.minimum = config.loss_scale.initial;
  Training near_by(config, *reference_backend(DType::kF16), at_hand());
  Training far(config, far_f16(), far_away());
  std::vector<StepResult> expected, actual;
  const Status first = near_by.train(1, kSteps, &expected);
  const Status second = far.train(1, kSteps, &actual);
  EXPECT_EQ(first.code(), MR_DIVERGED);
  EXPECT_EQ(second.code(), MR_DIVERGED);
  // Each rank finds it out by itself. The first to do so ends the group, so which one says it is left to chance.
  const auto behind_rank = [](const Status& status) {
    const size_t comma = status.message().find(", step 1 loss scale: ");
    EXPECT_NE(comma, std::string::npos) << status.message();
    return status.message().substr(std::min(comma, status.message().size()));
  };
  EXPECT_EQ(behind_rank(second), behind_rank(first));
  EXPECT_EQ(actual.size(), expected.size());
  EXPECT_EQ(far.rank(0).progress().steps, near_by.rank(0).progress().steps);
}

TEST(Submit, CheckpointsEvaluationAndLogitsComeBackFromAfar) {
  const TrainerConfig config = layout(2, 2);
  Training near_by(config, *reference_backend(DType::kF32), at_hand());
  Training far(config, far_f32(), far_away());
  std::vector<StepResult> expected, actual;
  ASSERT_TRUE(near_by.train(1, 3, &expected).ok());
  ASSERT_TRUE(far.train(1, 3, &actual).ok());

  const TestBatch batch(config, 9);
  const auto look = [&](Training& run) {
    std::vector<float> out(static_cast<size_t>(config.model.vocab_size));
    double loss = 0;
    const Status status = run.together([&](Rank& rank) -> Status {
      double own = 0;
      int64_t tokens = 0;
      MR_RETURN_IF_ERROR(rank.evaluate(batch.tokens.data(), 3, &own, &tokens));
      if (rank.place().rank == 0) loss = own;
      return rank.logits(batch.tokens.data(), 5, out.data());
    });
    EXPECT_TRUE(status.ok()) << status.message();
    out.push_back(static_cast<float>(loss));
    return out;
  };
  EXPECT_EQ(look(far), look(near_by));

  std::vector<ParameterSpec> specs;
  for (const Parameter& parameter : far.rank(0).model().parameters().all()) specs.push_back(parameter.spec);
  Snapshot snapshot(config, specs);
  ASSERT_TRUE(far.together([&](Rank& rank) { return rank.allocate_snapshot(snapshot); }).ok());
  ASSERT_TRUE(far.together([&](Rank& rank) { return rank.take_snapshot(snapshot); }).ok());
  const std::string name = "millrace-far-" + std::to_string(::getpid()) + ".safetensors";
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / name;
  ASSERT_TRUE(snapshot.write(path.string()).ok());
  Training again(layout(1, 1), far_f32(), far_away());
  const Status loaded = again.together([&](Rank& rank) { return rank.load(path.string()); });
  std::filesystem::remove(path);
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  EXPECT_EQ(again.parameters(), near_by.parameters());
  EXPECT_EQ(again.rank(0).progress().steps, 3);
  std::vector<StepResult> next;
  ASSERT_TRUE(again.train(4, 4, &next).ok());
  ASSERT_TRUE(near_by.train(4, 4, &expected).ok());
  EXPECT_NEAR(next.front().loss, expected.back().loss, 1e-6);
}

}  // namespace
}  // namespace millrace::testing
