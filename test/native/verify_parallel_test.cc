// --verify-parallel: the same bits for every number of tensor-parallel ranks and of threads, with dropout and at a real
// learning rate. The twins are ordinary runs, whose bits do differ.
#include <cstring>
#include <string>

#include "millrace/trainer.h"
#include "rank_group.h"

namespace millrace::testing {
namespace {

constexpr int kSteps = 100;

// Eight heads, so eight shards; the last of them holds nothing but padding of the vocabulary.
TrainerConfig verified_config(int tensor_parallel) {
  TrainerConfig config = small_config();
  config.model.num_heads = 8;
  config.model.vocab_size = 200;
  config.model.padded_vocab_size = 256;
  config.schedule.peak = 1e-3;
  config.tensor_parallel = tensor_parallel;
  config.verify_parallel = true;
  return config;
}

struct Curve {
  std::vector<double> losses;
  std::vector<double> norms;
  TensorMap parameters, first_moments, second_moments;
};

Curve train(const TrainerConfig& config, const OpTable& ops, int steps = kSteps,
            const ParallelPolicy& policy = ParallelPolicy::standard()) {
  RankGroup group(config, ops, policy);
  Curve curve;
  for (int step = 1; step <= steps; ++step) {
    const StepResult result = group.step(step);
    curve.losses.push_back(result.loss);
    curve.norms.push_back(result.gradient_norm);
  }
  curve.parameters = group.gather(&Parameter::master);
  curve.first_moments = group.gather(&Parameter::first_moment);
  curve.second_moments = group.gather(&Parameter::second_moment);
  return curve;
}

// The sign of a zero counts too.
bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

std::string tensors_that_differ(const TensorMap& a, const TensorMap& b) {
  std::string names;
  for (const auto& [name, values] : a) {
    if (!same_bits(values, b.at(name))) names += name + " ";
  }
  return names;
}

void expect_same_bits(const Curve& a, const Curve& b) {
  EXPECT_TRUE(same_bits(a.losses, b.losses));
  EXPECT_TRUE(same_bits(a.norms, b.norms));
  EXPECT_EQ(tensors_that_differ(a.parameters, b.parameters), "");
  EXPECT_EQ(tensors_that_differ(a.first_moments, b.first_moments), "");
  EXPECT_EQ(tensors_that_differ(a.second_moments, b.second_moments), "");
}

TEST(VerifyParallel, EveryNumberOfRanksHasTheSameBits) {
  for (const OpTable* ops : fp32_backends()) {
    SCOPED_TRACE(ops->name);
    const Curve one = train(verified_config(1), *ops);
    EXPECT_LT(one.losses.back(), one.losses.front() - 0.3) << "the curve should be one of learning";
    for (const int ranks : {2, 4, 8}) {
      SCOPED_TRACE(ranks);
      expect_same_bits(one, train(verified_config(ranks), *ops));
    }
  }
}

TEST(VerifyParallel, OrdinaryRunsDoDiffer) {
  for (const OpTable* ops : fp32_backends()) {
    SCOPED_TRACE(ops->name);
    TrainerConfig config = verified_config(1);
    config.verify_parallel = false;
    const Curve one = train(config, *ops, 10);
    for (const int ranks : {2, 8}) {
      config.tensor_parallel = ranks;
      const Curve many = train(config, *ops, 10);
      EXPECT_FALSE(same_bits(one.losses, many.losses)) << ranks;
      EXPECT_NE(tensors_that_differ(one.parameters, many.parameters), "") << ranks;
    }
  }
}

// g of a communicator that adds rank after rank.
Status sum_rank_after_rank(RankEnv& env, Tensor x, const char* name) {
  const size_t count = static_cast<size_t>(x.num_elements());
  std::vector<float> all(count * static_cast<size_t>(env.tensor_size));
  const Tensor gathered{all.data(), DType::kF32, Shape(static_cast<int64_t>(all.size()))};
  if (env.planning()) return ok();
  MR_RETURN_IF_ERROR(env.tensor_group->all_gather(*env.context, gathered, x, name));
  for (size_t i = 0; i < count; ++i) {
    float sum = all[i];
    for (size_t r = 1; r < static_cast<size_t>(env.tensor_size); ++r) sum += all[r * count + i];
    x.as<float>()[i] = sum;
  }
  return ok();
}

TEST(VerifyParallel, ASumRankAfterRankIsSeen) {
  const OpTable& ops = *reference_backend(DType::kF32);
  const Curve one = train(verified_config(1), ops, 10);
  ParallelPolicy policy;
  policy.g.forward = sum_rank_after_rank;
  const Curve broken = train(verified_config(4), ops, 10, policy);
  EXPECT_FALSE(same_bits(one.losses, broken.losses));
  EXPECT_NE(tensors_that_differ(one.parameters, broken.parameters), "");
}

TEST(VerifyParallel, IsWhatOrdinaryRanksComputeWhereEachHasOneShard) {
  TrainerConfig config = verified_config(8);
  config.optimizer.clip_norm = 0;  // the norm alone is added up in another order
  const OpTable& ops = *reference_backend(DType::kF32);
  const Curve verified = train(config, ops, 10);
  config.verify_parallel = false;
  Curve ordinary = train(config, ops, 10);
  for (size_t i = 0; i < verified.norms.size(); ++i) {
    EXPECT_NEAR(ordinary.norms[i] / verified.norms[i], 1.0, 1e-14);
  }
  ordinary.norms = verified.norms;
  expect_same_bits(verified, ordinary);
}

TEST(VerifyParallel, EveryNumberOfThreadsHasTheSameBits) {
  for (const OpTable* ops : fp32_backends()) {
    SCOPED_TRACE(ops->name);
    TrainerConfig config = verified_config(2);
    // Wide enough for products of several tiles.
    config.model.hidden_size = 128;
    config.micro_batch = 4;
    const Curve one = train(config, *ops, 5);
    config.threads_per_rank = 3;
    expect_same_bits(one, train(config, *ops, 5));
    config.tensor_parallel = 1;
    expect_same_bits(one, train(config, *ops, 5));
  }
}

TEST(VerifyParallel, DataParallelRunsHaveTheSameBitsForEveryTensorParallelSize) {
  for (const OpTable* ops : fp32_backends()) {
    SCOPED_TRACE(ops->name);
    TrainerConfig config = verified_config(1);
    config.data_parallel = 2;
    config.micro_batch = 1;
    const Curve one = train(config, *ops, 20);
    config.tensor_parallel = 4;
    expect_same_bits(one, train(config, *ops, 20));
  }
}

TEST(VerifyParallel, HeadsThatEightDoesNotDivideGiveFewerShards) {
  ModelConfig model = verified_config(1).model;
  for (const auto& [heads, shards] : {std::pair{24, 8}, {12, 4}, {20, 4}, {6, 2}, {25, 1}}) {
    model.num_heads = heads;
    EXPECT_EQ(verify_shards(model), shards) << heads;
  }
  const OpTable& ops = *reference_backend(DType::kF32);
  TrainerConfig config = verified_config(1);
  config.model.hidden_size = 36;
  config.model.num_heads = 12;
  const Curve one = train(config, ops, 10);
  config.tensor_parallel = 4;
  expect_same_bits(one, train(config, ops, 10));
}

TEST(VerifyParallel, SixteenBitRunsHaveTheSameBits) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* ops : {reference_backend(dtype), cpu_backend(dtype)}) {
      if (ops == nullptr) continue;
      SCOPED_TRACE(std::string(ops->name) + " " + std::to_string(static_cast<int>(dtype)));
      TrainerConfig config = verified_config(1);
      config.dtype = dtype;
      const Curve one = train(config, *ops, 10);
      for (const int ranks : {2, 8}) {
        config.tensor_parallel = ranks;
        expect_same_bits(one, train(config, *ops, 10));
      }
    }
  }
}

TEST(VerifyParallel, EveryRecomputationHasTheSameBits) {
  for (const OpTable* ops : fp32_backends()) {
    SCOPED_TRACE(ops->name);
    TrainerConfig config = verified_config(1);
    const Curve one = train(config, *ops, 20);
    for (const Recompute recompute : {Recompute::kSelective, Recompute::kFull}) {
      for (const int ranks : {1, 4}) {
        config.recompute = recompute;
        config.tensor_parallel = ranks;
        expect_same_bits(one, train(config, *ops, 20));
      }
    }
  }
}

TEST(VerifyParallel, EvaluationAndLogitsHaveTheSameBits) {
  for (const OpTable* ops : fp32_backends()) {
    SCOPED_TRACE(ops->name);
    const auto look = [&](int ranks) {
      const TrainerConfig config = verified_config(ranks);
      RankGroup group(config, *ops);
      group.disturb();
      const TestBatch batch(config, 1);
      std::vector<float> logits(static_cast<size_t>(config.model.vocab_size));
      double loss = 0;
      group.must([&](Rank& rank) -> Status {
        double sum = 0;
        int64_t tokens = 0;
        MR_RETURN_IF_ERROR(rank.evaluate(batch.tokens.data(), config.global_batch, &sum, &tokens));
        if (rank.place().rank == 0) loss = sum;
        return rank.logits(batch.tokens.data(), config.sequence_length, logits.data());
      });
      std::vector<double> seen(logits.begin(), logits.end());
      seen.push_back(loss);
      return seen;
    };
    const std::vector<double> one = look(1);
    for (const int ranks : {2, 4, 8}) EXPECT_TRUE(same_bits(one, look(ranks))) << ranks;
    EXPECT_NE(one[0], one[1]);
  }
}

TEST(VerifyParallel, MakesNoMoreCollectives) {
  std::array<uint64_t, 2> counts{};
  for (const bool verify : {false, true}) {
    TrainerConfig config = verified_config(2);
    config.verify_parallel = verify;
    RankGroup group(config, *reference_backend(DType::kF32));
    group.step(1);
    counts[verify ? 1 : 0] = group.rank(0).place().tensor_group->num_collectives();
  }
  EXPECT_EQ(counts[0], counts[1]);
}

std::string refusal(int32_t heads, int32_t padded_vocab, int32_t tensor_parallel, int32_t verify) {
  mr_trainer_config config{};
  config.model = mr_model_config{2, 120, heads, 16, 100, padded_vocab, MR_GELU_TANH, 1e-5};
  config.backend = "reference";
  config.precision = "fp32";
  config.tensor_parallel = tensor_parallel;
  config.data_parallel = 1;
  config.sequence_length = 8;
  config.micro_batch = config.global_batch = 1;
  config.verify_parallel = verify;
  config.schedule = MR_SCHEDULE_CONSTANT;
  config.epsilon = 1e-8;
  mr_memory_plan plan;
  return mr_trainer_plan(&config, &plan) == MR_OK ? "" : mr_last_error();
}

TEST(VerifyParallel, LayoutsWithoutWholeShardsAreRefused) {
  EXPECT_EQ(refusal(24, 1024, 8, 1), "");
  EXPECT_EQ(refusal(12, 512, 4, 1), "");
  EXPECT_EQ(refusal(12, 1536, 3, 0), "") << "an ordinary run has no shards";
  EXPECT_EQ(
      refusal(12, 1536, 3, 1),
      "expected a divisor of 4 (the shards that num_heads = 12 gives verify_parallel) for tensor_parallel, got 3");
  EXPECT_EQ(refusal(12, 128, 1, 1),
            "expected a multiple of 512 (128 * the shards of verify_parallel) for padded_vocab_size, got 128");
  EXPECT_EQ(refusal(12, 512, 1, 2), "expected 0 or 1 for verify_parallel, got 2");
}

}  // namespace
}  // namespace millrace::testing
