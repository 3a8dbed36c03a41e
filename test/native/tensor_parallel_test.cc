// Tensor parallelism changes where work is done and nothing else: TP 2 and 4 equal TP 1, with dropout and at a real
// learning rate. Each law has a twin that breaks one rule of the parallel layers and is seen to fail.
#include <array>
#include <map>
#include <utility>

#include "rank_group.h"
#include "recording_communicator.h"

namespace millrace::testing {
namespace {

// What the design promises of fp32: gradients of step 1 (largest difference over largest value, per tensor) and the
// loss over 100 steps at learning rate 1.5e-4.
constexpr double kGradientTolerance = 1e-5;
constexpr double kLossTolerance = 1e-5;
constexpr int kSteps = 100;
constexpr double kRate = 1.5e-4;
// At any rate the loss differs at most this many times what it does when only the order of sums changes.
constexpr double kAmplification = 3;

// Eight heads; of eight ranks the last two hold nothing but padding of the vocabulary.
TrainerConfig parallel_config(int tensor_parallel) {
  TrainerConfig config = small_config();
  config.model.num_heads = 8;
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

TrainerConfig at_rate(int tensor_parallel, double rate) {
  TrainerConfig config = parallel_config(tensor_parallel);
  config.schedule.peak = rate;
  return config;
}

// The curve of one rank, which all others are compared with.
const std::vector<double>& losses_of_one(double rate, const OpTable& ops) {
  static std::map<std::pair<const OpTable*, double>, std::vector<double>> known;
  std::vector<double>& curve = known[{&ops, rate}];
  if (curve.empty()) curve = losses(at_rate(1, rate), ops);
  return curve;
}

double worst_loss_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

// The largest difference of one rank's curve from its curves with other orders of summation: over rows, where the rows
// of a batch are rotated, and over columns, as ranks share them, where it computes in shards.
double difference_from_itself(double rate, const OpTable& ops) {
  static std::map<std::pair<const OpTable*, double>, double> known;
  const auto [at, unknown] = known.try_emplace({&ops, rate}, 0.0);
  if (!unknown) return at->second;
  TrainerConfig config = at_rate(1, rate);
  const auto compare = [&](int64_t rotation) {
    const std::vector<double> other = losses(config, ops, ParallelPolicy::standard(), rotation);
    at->second = std::max(at->second, worst_loss_difference(losses_of_one(rate, ops), other));
  };
  for (int64_t rotation = 1; rotation < config.global_batch; ++rotation) compare(rotation);
  config.verify_parallel = true;
  compare(0);
  return at->second;
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
    const std::vector<double>& one = losses_of_one(kRate, *ops);
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
      const double parallel = worst_loss_difference(losses_of_one(rate, *ops), losses(at_rate(GetParam(), rate), *ops));
      const double itself = difference_from_itself(rate, *ops);
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

// Every collective of one micro-batch in its order: the sums of N*C elements after the embedding and around the layers,
// and of the cross entropy three of N values each. Logits, V values a token, are never exchanged.
TEST_P(TensorParallel, MakesTwoAllReducesALayerForwardAndTwoBackwardAndThreeForTheLoss) {
  using Record = RecordingCommunicator::Record;
  TrainerConfig config = parallel_config(GetParam());
  config.model.num_layers = 2;
  config.global_batch = config.micro_batch;
  RankGroup group(config, *reference_backend(DType::kF32));
  RecordingCommunicator recorder(group.rank(0).env().tensor_group);
  group.rank(0).env().tensor_group = &recorder;

  const int64_t tokens = config.micro_batch * config.sequence_length;
  const int64_t activations = tokens * config.model.hidden_size;
  std::vector<Record> forward{{"sum", "embedding g forward", activations}};
  for (const char* layer : {"layer 0 ", "layer 1 "}) {
    for (const char* part : {"attention g forward", "mlp g forward"}) {
      forward.push_back({"sum", std::string(layer) + part, activations});
    }
  }
  forward.push_back({"max", "head cross entropy maximum", tokens});
  forward.push_back({"sum", "head cross entropy target", tokens});
  forward.push_back({"sum", "head cross entropy sum", tokens});
  group.dropout_loss(1);
  EXPECT_EQ(recorder.records(), forward);

  std::vector<Record> both = forward;
  both.push_back({"sum", "head f backward", activations});
  for (const char* layer : {"layer 1 ", "layer 0 "}) {
    for (const char* part : {"mlp f backward", "attention f backward"}) {
      both.push_back({"sum", std::string(layer) + part, activations});
    }
  }
  recorder.forget();
  group.gradients(1);
  EXPECT_EQ(recorder.records(), both);

  recorder.forget();
  group.gradient_norm();
  EXPECT_EQ(recorder.records(), (std::vector<Record>{{"sum", "gradient norm reduction", 1}}));
}

INSTANTIATE_TEST_SUITE_P(Ranks, TensorParallel, ::testing::Values(2, 4, 8));

// The twins: what the laws above would say of a trainer that breaks one rule.

TEST(BrokenTensorParallel, SwappedFAndGAreSeen) {
  ParallelPolicy policy;
  std::swap(policy.f, policy.g);
  const OpTable& ops = *reference_backend(DType::kF32);
  const FirstStep one = first_step(1, ops);
  const FirstStep broken = first_step(2, ops, policy);
  EXPECT_GT(worst_difference(one.gradients, broken.gradients), 100 * kGradientTolerance);
}

TEST(BrokenTensorParallel, ABorderThatDoesNotReduceIsSeenInTheCollectives) {
  ParallelPolicy policy;
  policy.f.backward = region_identity;
  const OpTable& ops = *reference_backend(DType::kF32);
  const auto collectives = [&](const ParallelPolicy& rules) {
    RankGroup group(parallel_config(2), ops, rules);
    group.gradients(1);
    return group.rank(0).place().tensor_group->num_collectives();
  };
  // Two micro-batches; two layers, and the head.
  EXPECT_EQ(collectives(ParallelPolicy::standard()) - collectives(policy), 2u * (2 * 2 + 1));
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
  EXPECT_GT(worst_loss_difference(losses_of_one(kRate, ops), losses(2, ops, policy)), kLossTolerance);
}

TEST(BrokenTensorParallel, AtAHighRateASwappedPairDiffersMoreThanSummationOrderDoes) {
  ParallelPolicy policy;
  std::swap(policy.f, policy.g);
  const OpTable& ops = *reference_backend(DType::kF32);
  EXPECT_GT(worst_loss_difference(losses_of_one(1e-3, ops), losses(at_rate(2, 1e-3), ops, policy)),
            100 * kAmplification * difference_from_itself(1e-3, ops));
}

AttentionShape heads_by_local_number(const ModelConfig& config, int, int size, int64_t batch, int64_t time) {
  AttentionShape shape = heads_of_shard(config, 0, size, batch, time);
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
