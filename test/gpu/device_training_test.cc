// Whole training runs whose ranks share emulated GPUs: the losses of the CPU's backend, the same bits for every number
// of tensor-parallel ranks under verify_parallel, and one rank's failure that ends all.
#include <array>
#include <cstring>
#include <set>
#include <string>

#include "comm/nccl_comm.h"
#include "emulated_machine.h"
#include "rank_group.h"

namespace millrace::testing {
namespace {

constexpr int kSteps = 2;
// fp32 on both sides; only the order of sums differs.
constexpr double kLossTolerance = 1e-5;

// Eight heads, so eight shards.
TrainerConfig config_of(int tensor_parallel, int data_parallel = 1) {
  TrainerConfig config = small_config();
  config.model.num_layers = 1;
  config.model.num_heads = 8;
  config.model.vocab_size = 200;
  config.model.padded_vocab_size = 256;
  config.sequence_length = 8;
  config.schedule.peak = 1e-2;
  config.tensor_parallel = tensor_parallel;
  config.data_parallel = data_parallel;
  config.micro_batch = 2 / data_parallel;
  return config;
}

TrainerConfig verified(TrainerConfig config, DType dtype) {
  config.verify_parallel = true;
  config.dtype = dtype;
  return config;
}

struct Curve {
  std::vector<double> losses, norms;
  TensorMap parameters;
};

Curve train(
    const TrainerConfig& config, const OpTable& ops,
    const std::function<Place(Place)>& placed = [](Place place) { return place; }) {
  RankGroup group(config, ops, ParallelPolicy::standard(), placed);
  Curve run;
  for (int step = 1; step <= kSteps; ++step) {
    const StepResult result = group.step(step);
    run.losses.push_back(result.loss);
    run.norms.push_back(result.gradient_norm);
  }
  run.parameters = group.gather(&Parameter::master);
  return run;
}

const OpTable& cuda(DType dtype = DType::kF32) { return *cuda_backend(dtype); }

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

bool same_bits(const Curve& a, const Curve& b) {
  bool same = same_bits(a.losses, b.losses) && same_bits(a.norms, b.norms);
  for (const auto& [name, values] : a.parameters) same = same && same_bits(values, b.parameters.at(name));
  return same;
}

double worst_loss_difference(const Curve& a, const Curve& b) {
  double worst = 0;
  for (size_t i = 0; i < a.losses.size(); ++i) worst = std::max(worst, std::abs(a.losses[i] - b.losses[i]));
  return worst;
}

TEST(DeviceTraining, RanksThatShareAGpuHaveTheLossesOfTheReference) {
  const Curve host = train(config_of(1), *reference_backend(DType::kF32));
  for (const int ranks : {1, 2, 4, 8}) {
    const EmulatedMachine machine(1, ranks == 2);
    const Curve device = train(config_of(ranks), cuda());
    EXPECT_LT(worst_loss_difference(host, device), kLossTolerance) << ranks;
    EXPECT_FALSE(same_bits(host, device)) << "the device did not compute";
  }
}

TEST(DeviceTraining, DataParallelRanksOnTwoGpusHaveTheLossesOfTheReference) {
  const EmulatedMachine machine(2, true);
  const Curve host = train(config_of(1, 2), *reference_backend(DType::kF32));
  EXPECT_LT(worst_loss_difference(host, train(config_of(1, 2), cuda())), kLossTolerance);
  EXPECT_LT(worst_loss_difference(host, train(config_of(2, 2), cuda())), kLossTolerance);
}

TEST(DeviceTraining, VerifiedRunsHaveTheSameBitsForEveryNumberOfRanks) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const EmulatedMachine machine(1, dtype == DType::kF32);
    const Curve one = train(verified(config_of(1), dtype), cuda(dtype));
    for (const int ranks : {2, 4, 8}) {
      if (dtype == DType::kBF16 && ranks == 2) continue;  // 4 and 8 are enough: it takes its time
      EXPECT_TRUE(same_bits(one, train(verified(config_of(ranks), dtype), cuda(dtype)))) << ranks;
    }
  }
}

// The twin: ordinary runs add up in other orders.
TEST(DeviceTraining, OrdinaryRunsDoDiffer) {
  const EmulatedMachine machine(1, false);
  EXPECT_FALSE(same_bits(train(config_of(1), cuda()), train(config_of(4), cuda())));
}

TEST(DeviceTraining, VerifiedRunsHaveTheSameBitsWhereNcclJoinsTheGpus) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    const EmulatedMachine machine(4, dtype == DType::kF32, false);
    const Curve one = train(verified(config_of(1), dtype), cuda(dtype));
    for (const int ranks : {2, 4}) {
      if (dtype == DType::kBF16 && ranks == 2) continue;
      EXPECT_TRUE(same_bits(one, train(verified(config_of(ranks), dtype), cuda(dtype)))) << ranks;
    }
  }
}

// The twin: the same shards, but sums as the library forms them.
TEST(DeviceTraining, VerifiedRunsNeedTheTreeForTheirBits) {
  const EmulatedMachine machine(4, false, false);
  const TrainerConfig config = verified(config_of(4), DType::kF32);
  std::vector<std::unique_ptr<Communicator>> library;
  ASSERT_TRUE(create_nccl_group(4, false, NcclLimits{}, &library).ok());
  const auto placed = [&](Place place) {
    place.tensor_group = library[static_cast<size_t>(place.tensor_rank)].get();
    return place;
  };
  EXPECT_FALSE(same_bits(train(verified(config_of(1), DType::kF32), cuda()), train(config, cuda(), placed)));
}

TEST(DeviceTraining, RanksThatNcclJoinsHaveTheLossesOfTheReference) {
  const EmulatedMachine machine(4, false, false);
  const Curve host = train(config_of(1, 2), *reference_backend(DType::kF32));
  EXPECT_LT(worst_loss_difference(host, train(config_of(2, 2), cuda())), kLossTolerance);
}

TEST(DeviceTraining, ARankThatFailsEndsAll) {
  const EmulatedMachine machine(1, true);
  TrainerConfig config = config_of(4);
  ASSERT_TRUE(Fault::parse("fail:rank=2,step=2", &config.fault).ok());
  RankGroup group(config, cuda());
  group.step(1);
  const TestBatch batch(config, 2);
  const Status status = group.run([&](Rank& rank) {
    StepResult result;
    return rank.step(batch.tokens.data(), batch.samples.data(), &result);
  });
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("rank 2, step 2"), std::string::npos) << status.message();
}

TEST(DeviceTraining, RanksOnOneGpuHaveArenasOfTheirOwn) {
  const EmulatedMachine machine(1, false);
  RankGroup group(config_of(4), cuda());
  std::set<const void*> arenas;
  for (int r = 0; r < 4; ++r) {
    const Tensor values = group.rank(r).model().parameters().all().front().master;
    arenas.insert(values.data);
    for (int other = 0; other < r; ++other) {
      const Tensor others = group.rank(other).model().parameters().all().front().master;
      EXPECT_NE(values.data, others.data);
    }
  }
  EXPECT_EQ(arenas.size(), 4u);
  // What one rank changes is not another's.
  const std::string name = group.rank(0).model().parameters().all().front().spec.name;
  const std::vector<double> before = group.read(1, group.rank(1).model().parameters().find(name)->master);
  group.nudge(name, 0, 1.0);
  EXPECT_EQ(group.read(1, group.rank(1).model().parameters().find(name)->master), before);
}

}  // namespace
}  // namespace millrace::testing
