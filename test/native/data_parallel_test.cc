// Data parallelism and micro-batches: how a global batch is split changes rounding alone, its gradients are reduced
// once a step, and ranks lie in the mesh as in the paper (appendix B.1).
#include <set>

#include "rank_group.h"

namespace millrace::testing {
namespace {

constexpr double kRounding = 1e-5;  // fp32 sums in another order, as in tensor_parallel_test.cc
constexpr int64_t kGlobalBatch = 8;

TrainerConfig split_config(int64_t micro_batch, int data_parallel, int tensor_parallel = 1) {
  TrainerConfig config = small_config();
  config.global_batch = kGlobalBatch;
  config.micro_batch = micro_batch;
  config.data_parallel = data_parallel;
  config.tensor_parallel = tensor_parallel;
  config.schedule.peak = 1e-3;
  return config;
}

// Row r has r uncounted targets: a mean of means over rows, micro-batches or ranks would weigh tokens unequally.
TestBatch uneven_batch(const TrainerConfig& config, int64_t step) {
  TestBatch batch(config, step);
  const int64_t columns = config.sequence_length + 1;
  for (int64_t row = 0; row < config.global_batch; ++row) {
    const auto end = batch.tokens.begin() + (row + 1) * columns;
    std::fill(end - row, end, -1);
  }
  return batch;
}

std::vector<double> losses(const TrainerConfig& config, const OpTable& ops) {
  RankGroup group(config, ops);
  std::vector<double> curve;
  for (int step = 1; step <= 20; ++step) curve.push_back(group.step(uneven_batch(config, step)).loss);
  return curve;
}

struct BatchSplit {
  int64_t micro_batch;
  int data_parallel;
  int tensor_parallel;
};

class DataParallel : public ::testing::TestWithParam<BatchSplit> {};

TEST_P(DataParallel, HasTheLossesOfOneRankWithTheWholeBatch) {
  const auto [micro_batch, data_parallel, tensor_parallel] = GetParam();
  for (const OpTable* ops : fp32_backends()) {
    const std::vector<double> whole = losses(split_config(kGlobalBatch, 1), *ops);
    const std::vector<double> split = losses(split_config(micro_batch, data_parallel, tensor_parallel), *ops);
    for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(whole[i], split[i], kRounding) << "step " << i + 1;
  }
}

TEST_P(DataParallel, ReducesGradientsOnceAStepForAnyNumberOfMicroBatches) {
  const auto [micro_batch, data_parallel, tensor_parallel] = GetParam();
  const auto reductions = [&](int64_t size) {
    RankGroup group(split_config(size, data_parallel, tensor_parallel), *reference_backend(DType::kF32));
    group.gradients(1);
    return group.rank(0).place().data_group->num_collectives();
  };
  // One of the loss and one of all gradients.
  EXPECT_EQ(reductions(micro_batch), data_parallel == 1 ? 0u : 2u);
  EXPECT_EQ(reductions(kGlobalBatch / data_parallel), data_parallel == 1 ? 0u : 2u);
}

INSTANTIATE_TEST_SUITE_P(Splits, DataParallel,
                         ::testing::Values(BatchSplit{1, 1, 1}, BatchSplit{2, 1, 1}, BatchSplit{2, 2, 1},
                                           BatchSplit{1, 4, 1}, BatchSplit{1, 8, 1}, BatchSplit{2, 2, 2}));

// The twin: what the first law would say if each micro-batch had its own mean.
TEST(BrokenDataParallel, AMeanOfMeansIsSeen) {
  const OpTable& ops = *reference_backend(DType::kF32);
  const TrainerConfig config = split_config(1, 1);
  const TestBatch batch = uneven_batch(config, 1);
  RankGroup whole(config, ops);
  TrainerConfig row_config = config;
  row_config.global_batch = 1;
  const int64_t columns = config.sequence_length + 1;
  double sum = 0;
  for (int64_t row = 0; row < kGlobalBatch; ++row) {
    TestBatch one = batch;
    one.tokens.assign(batch.tokens.begin() + row * columns, batch.tokens.begin() + (row + 1) * columns);
    one.samples.assign(1, batch.samples[static_cast<size_t>(row)]);
    RankGroup alone(row_config, ops);
    sum += alone.step(one).loss;
  }
  EXPECT_GT(std::abs(whole.step(batch).loss - sum / kGlobalBatch), 20 * kRounding);
}

// Every rank puts its bit into a sum over each group: the sum says who is in it.
TEST(Mesh, TensorParallelRanksAreConsecutiveAndDataParallelRanksLieThatFarApart) {
  constexpr int kTensor = 4, kData = 2;
  Mesh mesh;
  ASSERT_TRUE(mesh.create(*reference_backend(DType::kF32), kTensor, kData, false).ok());
  RankThreads threads(kTensor * kData);
  std::vector<int64_t> tensor_members(kTensor * kData), data_members(kTensor * kData);
  const Status status = threads.run([&](int r) -> Status {
    const Place place = mesh.place_of(r);
    EXPECT_EQ(place.tensor_rank, r % kTensor);
    EXPECT_EQ(place.data_rank, r / kTensor);
    Context context;
    int64_t tensor = int64_t{1} << r, data = tensor, world = tensor;
    const auto sum = [&](Communicator* group, int64_t* value) {
      return group->all_reduce(context, Tensor{value, DType::kI64, Shape(1)}, ReduceOp::kSum, "members", nullptr);
    };
    MR_RETURN_IF_ERROR(sum(place.tensor_group, &tensor));
    MR_RETURN_IF_ERROR(sum(place.data_group, &data));
    MR_RETURN_IF_ERROR(sum(place.world_group, &world));
    tensor_members[static_cast<size_t>(r)] = tensor;
    data_members[static_cast<size_t>(r)] = data;
    EXPECT_EQ(world, 0xff);
    return ok();
  });
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(std::set<int64_t>(tensor_members.begin(), tensor_members.end()), (std::set<int64_t>{0x0f, 0xf0}));
  EXPECT_EQ(std::set<int64_t>(data_members.begin(), data_members.end()), (std::set<int64_t>{0x11, 0x22, 0x44, 0x88}));
}

}  // namespace
}  // namespace millrace::testing
