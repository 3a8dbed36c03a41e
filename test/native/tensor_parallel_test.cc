// Tensor parallelism changes where work is done and nothing else: TP 2 and 4 equal TP 1, with dropout and at a real
// learning rate. Each law has a twin that breaks one rule of the parallel layers and is seen to fail.
#include <array>

#include "rank_group.h"

namespace millrace::testing {
namespace {

// What the design promises of fp32: gradients of step 1 (largest difference over largest value, per tensor) and the
// loss over 100 steps at learning rate 1.5e-4.
constexpr double kGradientTolerance = 1e-5;
constexpr double kLossTolerance = 1e-5;
constexpr int kSteps = 100;
// At any rate the loss differs at most this many times what it does when only the order of sums changes.
constexpr double kAmplification = 3;

TrainerConfig parallel_config(int tensor_parallel) {
  TrainerConfig config = small_config();
  config.tensor_parallel = tensor_parallel;
  return config;
}

// Gradients of batch 1 off the symmetric start, and the loss.
struct FirstStep {
  TensorMap gradients;
  double loss = 0;
  double norm = 0;
};

FirstStep first_step(int tensor_parallel, const OpTable& ops,
                     const ParallelPolicy& policy = ParallelPolicy::standard()) {
  RankGroup group(parallel_config(tensor_parallel), ops, policy);
  group.disturb();
  FirstStep result;
  result.loss = group.gradients(1);
  result.norm = group.gradient_norm();
  result.gradients = group.gather(&Parameter::gradient);
  return result;
}

// The batch of a step with its rows in another order. Rows keep their numbers, and with them their dropout: nothing
// changes but the order in which sums over rows are formed.
TestBatch rotated(const TrainerConfig& config, int64_t step, int64_t rotation) {
  TestBatch batch(config, step);
  const int64_t columns = config.sequence_length + 1;
  std::rotate(batch.tokens.begin(), batch.tokens.begin() + rotation * columns, batch.tokens.end());
  std::rotate(batch.samples.begin(), batch.samples.begin() + rotation, batch.samples.end());
  return batch;
}

std::vector<double> losses(const TrainerConfig& config, const OpTable& ops,
                           const ParallelPolicy& policy = ParallelPolicy::standard(), int64_t rotation = 0) {
  RankGroup group(config, ops, policy);
  std::vector<double> curve;
  for (int step = 1; step <= kSteps; ++step) curve.push_back(group.step(rotated(config, step, rotation)).loss);
  return curve;
}

std::vector<double> losses(int tensor_parallel, const OpTable& ops,
                           const ParallelPolicy& policy = ParallelPolicy::standard()) {
  return losses(parallel_config(tensor_parallel), ops, policy);
}

double worst_loss_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

TrainerConfig at_rate(int tensor_parallel, double rate) {
  TrainerConfig config = parallel_config(tensor_parallel);
  config.schedule.peak = rate;
  return config;
}

// The largest difference of one rank's curve `one` from its curves with other orders of summation.
double difference_from_itself(const std::vector<double>& one, double rate, const OpTable& ops) {
  const TrainerConfig config = at_rate(1, rate);
  double largest = 0;
  for (int64_t rotation = 1; rotation < config.global_batch; ++rotation) {
    const std::vector<double> other = losses(config, ops, ParallelPolicy::standard(), rotation);
    largest = std::max(largest, worst_loss_difference(one, other));
  }
  return largest;
}

class TensorParallel : public ::testing::TestWithParam<int> {};

TEST_P(TensorParallel, HasTheGradientsOfOneRank) {
  for (const OpTable* ops : fp32_backends()) {
    const FirstStep one = first_step(1, *ops);
    const FirstStep many = first_step(GetParam(), *ops);
    const double difference = worst_difference(one.gradients, many.gradients);
    RecordProperty(std::string(ops->name) + "_gradient_difference", std::to_string(difference));
    EXPECT_LT(difference, kGradientTolerance) << ops->name;
    EXPECT_NEAR(one.loss, many.loss, kLossTolerance);
    EXPECT_NEAR(one.norm, many.norm, kGradientTolerance * one.norm);
  }
}

TEST_P(TensorParallel, HasTheLossCurveOfOneRank) {
  for (const OpTable* ops : fp32_backends()) {
    const std::vector<double> one = losses(1, *ops);
    const std::vector<double> many = losses(GetParam(), *ops);
    const double difference = worst_loss_difference(one, many);
    std::printf("%s: TP %d differs from TP 1 by %.2e in the loss over %d steps\n", ops->name, GetParam(), difference,
                kSteps);
    EXPECT_LT(difference, kLossTolerance) << ops->name;
    EXPECT_LT(one.back(), one.front()) << "the curve should be one of learning";
  }
}

// fp32 training amplifies rounding, the more the higher the rate: the yardstick is what one rank differs from itself.
TEST_P(TensorParallel, AtAHighRateDiffersNoMoreThanSummationOrderDoes) {
  for (const OpTable* ops : fp32_backends()) {
    for (const double rate : {1e-3, 3e-3}) {
      const std::vector<double> one = losses(at_rate(1, rate), *ops);
      const double parallel = worst_loss_difference(one, losses(at_rate(GetParam(), rate), *ops));
      const double itself = difference_from_itself(one, rate, *ops);
      std::printf("%s: at %g TP %d differs from TP 1 by %.2e, TP 1 from itself by %.2e\n", ops->name, rate, GetParam(),
                  parallel, itself);
      EXPECT_LE(parallel, kAmplification * itself) << ops->name;
    }
  }
}

TEST_P(TensorParallel, StartsFromTheSameParameters) {
  const OpTable& ops = *reference_backend(DType::kF32);
  RankGroup one(parallel_config(1), ops);
  RankGroup many(parallel_config(GetParam()), ops);
  EXPECT_EQ(one.gather(&Parameter::value), many.gather(&Parameter::value));
}

TEST_P(TensorParallel, MakesTwoAllReducesALayerForwardAndTwoBackward) {
  std::array<int64_t, 2> counts{};
  std::array<int64_t, 2> forward_counts{};
  for (const int layers : {2, 5}) {
    TrainerConfig config = parallel_config(GetParam());
    config.model.num_layers = layers;
    config.global_batch = config.micro_batch;
    RankGroup group(config, *reference_backend(DType::kF32));
    const auto total = [&] { return static_cast<int64_t>(group.rank(0).place().tensor_group->num_collectives()); };
    const size_t slot = layers == 2 ? 0 : 1;
    const int64_t before = total();
    group.dropout_loss(1);
    forward_counts[slot] = total() - before;
    group.gradients(1);
    counts[slot] = total() - before - forward_counts[slot];
  }
  // Beyond the layers: one after the embedding, three of the cross entropy, and backward one before the head.
  EXPECT_EQ(forward_counts[0], 2 * 2 + 1 + 3);
  EXPECT_EQ(counts[0], 2 * 4 + 1 + 3 + 1);
  EXPECT_EQ(forward_counts[1] - forward_counts[0], 2 * 3);
  EXPECT_EQ(counts[1] - counts[0], 4 * 3);
}

INSTANTIATE_TEST_SUITE_P(Ranks, TensorParallel, ::testing::Values(2, 4));

// The twins: what the laws above would say of a trainer that breaks one rule.

TEST(BrokenTensorParallel, SwappedFAndGAreSeen) {
  ParallelPolicy policy;
  std::swap(policy.f, policy.g);
  const OpTable& ops = *reference_backend(DType::kF32);
  const FirstStep one = first_step(1, ops);
  const FirstStep broken = first_step(2, ops, policy);
  EXPECT_GT(worst_difference(one.gradients, broken.gradients), 100 * kGradientTolerance);
}

RowBias bias_before_reduce(Tensor bias) {
  static std::array<float, 1024> zeros{};
  return RowBias{bias, Tensor{zeros.data(), bias.dtype, bias.shape}};
}

TEST(BrokenTensorParallel, ARowBiasAddedBeforeTheReductionIsSeen) {
  ParallelPolicy policy;
  policy.row_bias = bias_before_reduce;
  const OpTable& ops = *reference_backend(DType::kF32);
  const FirstStep one = first_step(1, ops);
  EXPECT_NEAR(one.loss, first_step(1, ops, policy).loss, kLossTolerance) << "for one rank there is no difference";
  EXPECT_GT(std::abs(one.loss - first_step(2, ops, policy).loss), 100 * kLossTolerance);
}

TEST(BrokenTensorParallel, DuplicatedParametersCountedOnEveryRankAreSeen) {
  ParallelPolicy policy;
  policy.counts_in_norm = [](Split, int) { return true; };
  const OpTable& ops = *reference_backend(DType::kF32);
  const FirstStep one = first_step(1, ops);
  const FirstStep broken = first_step(2, ops, policy);
  EXPECT_LT(worst_difference(one.gradients, broken.gradients), kGradientTolerance)
      << "gradients are right, the norm is not";
  EXPECT_GT(std::abs(one.norm - broken.norm), 100 * kGradientTolerance * one.norm);
  EXPECT_GT(worst_loss_difference(losses(1, ops), losses(2, ops, policy)), kLossTolerance);
}

TEST(BrokenTensorParallel, AtAHighRateASwappedPairDiffersMoreThanSummationOrderDoes) {
  ParallelPolicy policy;
  std::swap(policy.f, policy.g);
  const OpTable& ops = *reference_backend(DType::kF32);
  const std::vector<double> one = losses(at_rate(1, 1e-3), ops);
  EXPECT_GT(worst_loss_difference(one, losses(at_rate(2, 1e-3), ops, policy)),
            100 * kAmplification * difference_from_itself(one, 1e-3, ops));
}

AttentionShape heads_by_local_number(const ModelConfig& config, int, int size, int64_t batch, int64_t time) {
  AttentionShape shape = heads_of_rank(config, 0, size, batch, time);
  shape.heads_total = shape.heads;
  return shape;
}

TEST(BrokenTensorParallel, ADropoutMaskByLocalHeadIsSeen) {
  ParallelPolicy policy;
  policy.attention_shape = heads_by_local_number;
  const OpTable& ops = *reference_backend(DType::kF32);
  const FirstStep one = first_step(1, ops);
  const FirstStep broken = first_step(2, ops, policy);
  EXPECT_GT(worst_difference(one.gradients, broken.gradients), 100 * kGradientTolerance);
}

}  // namespace
}  // namespace millrace::testing
