// The random draws of a whole run, dropout masks and initial parameters: functions of the seed and of what they are
// for, so every layout of the same run has the same ones.
#include <cstring>

#include "checkpoint_case.h"
#include "model/initialize.h"

namespace millrace::testing {
namespace {

// In fp64 layouts differ by rounding, some 1e-15; other masks, of one sample or of half the heads, move the gradients
// by far more than kAnother (below). So equality to kSame is equality of all masks, forward and backward.
constexpr double kSame = 1e-11;
constexpr double kAnother = 1e-6;

TrainerConfig masked_config(int tensor_parallel, int data_parallel, int64_t micro_batch, Recompute recompute) {
  TrainerConfig config = small_config();
  config.dtype = DType::kF64;
  config.tensor_parallel = tensor_parallel;
  config.data_parallel = data_parallel;
  config.micro_batch = micro_batch;
  config.recompute = recompute;
  config.dropout = 0.5f;
  return config;
}

struct Masked {
  double loss = 0;
  TensorMap gradients;
};

// One batch through the whole model under the masks of step `step`.
Masked masked(const TrainerConfig& config, const TestBatch& batch, int64_t step = 3,
              const ParallelPolicy& policy = ParallelPolicy::standard()) {
  RankGroup group(config, *reference_backend(DType::kF64), policy);
  group.disturb();
  Masked result;
  group.must([&](Rank& rank) -> Status {
    double own = 0;
    int64_t tokens = 0;
    MR_RETURN_IF_ERROR(rank.gradients(batch.tokens.data(), batch.samples.data(), step, &own, &tokens));
    if (rank.place().rank == 0) result.loss = own;
    return ok();
  });
  result.gradients = group.gather(&Parameter::gradient);
  return result;
}

double difference(const Masked& a, const Masked& b) {
  return std::max(std::abs(a.loss - b.loss), worst_difference(a.gradients, b.gradients));
}

TEST(Masks, AreTheSameForEveryLayoutAndRecomputation) {
  const TrainerConfig plain = masked_config(1, 1, 4, Recompute::kNone);
  const TestBatch batch(plain, 1);
  const Masked expected = masked(plain, batch);
  for (const TrainerConfig& other :
       {masked_config(2, 1, 4, Recompute::kNone), masked_config(4, 1, 2, Recompute::kSelective),
        masked_config(1, 2, 2, Recompute::kFull), masked_config(1, 4, 1, Recompute::kNone),
        masked_config(2, 2, 1, Recompute::kFull)}) {
    EXPECT_LT(difference(expected, masked(other, batch)), kSame)
        << "TP " << other.tensor_parallel << " DP " << other.data_parallel << " micro-batch " << other.micro_batch;
  }
}

TEST(Masks, DependOnStepAndSample) {
  TrainerConfig config = masked_config(1, 1, 4, Recompute::kNone);
  const TestBatch batch(config, 1);
  const Masked expected = masked(config, batch);
  EXPECT_EQ(difference(expected, masked(config, batch)), 0);
  EXPECT_GT(difference(expected, masked(config, batch, 4)), kAnother);
  TestBatch moved = batch;
  moved.samples[2] += 1;
  EXPECT_GT(difference(expected, masked(config, moved)), kAnother);
  // Past 2^32 too: the number of a sample is never cut.
  moved.samples[2] = batch.samples[2] + (int64_t{1} << 32);
  EXPECT_GT(difference(expected, masked(config, moved)), kAnother);
  config.dropout = 0;
  const Masked unmasked = masked(config, batch);
  EXPECT_EQ(difference(unmasked, masked(config, moved, 4)), 0) << "without dropout nothing is drawn";
}

TEST(Masks, OfHeadsNumberedWithinARankAreSeen) {
  const TrainerConfig plain = masked_config(1, 1, 4, Recompute::kNone);
  const TestBatch batch(plain, 1);
  ParallelPolicy policy;
  policy.attention_shape = [](const ModelConfig& config, int, int total, int64_t rows, int64_t time) {
    return ParallelPolicy::standard().attention_shape(config, 0, total, rows, time);
  };
  const Masked broken = masked(masked_config(2, 1, 4, Recompute::kNone), batch, 3, policy);
  EXPECT_GT(difference(masked(plain, batch), broken), kAnother);
}

TEST(Masks, OfTheTwoBranchesTheEmbeddingAndEachLayerAreIndependent) {
  // Keys that a run uses: no two of them give the same words.
  const int64_t step = 3;
  const DropoutSource source{0.5f, 42, &step, nullptr};
  std::vector<uint32_t> firsts;
  for (int64_t layer = 0; layer < 4; ++layer) {
    for (const Site site : {Site::kEmbedding, Site::kAttention, Site::kAttentionOutput, Site::kMlpOutput}) {
      firsts.push_back(philox_word(source.at(site, layer).keyed(), 0));
    }
  }
  std::sort(firsts.begin(), firsts.end());
  EXPECT_EQ(std::adjacent_find(firsts.begin(), firsts.end()), firsts.end());
}

using ResumedMasks = CheckpointCase;

TEST_F(ResumedMasks, AreThoseOfTheRunThatDidNotStop) {
  const OpTable& ops = *reference_backend(DType::kF64);
  RankGroup first(masked_config(2, 1, 4, Recompute::kNone), ops);
  for (int step = 1; step <= 2; ++step) first.step(step);
  ASSERT_TRUE(save(first, path("model")).ok());
  RankGroup resumed(masked_config(1, 2, 2, Recompute::kFull), ops);
  ASSERT_TRUE(load(resumed, path("model")).ok());

  const TestBatch batch(first.config(), 3);
  // A resumed run that counted its steps anew would draw the masks of step 1.
  double recounted = 0;
  resumed.must([&](Rank& rank) -> Status {
    double own = 0;
    MR_RETURN_IF_ERROR(rank.dropout_loss(batch.tokens.data(), batch.samples.data(), 1, &own));
    if (rank.place().rank == 0) recounted = own;
    return ok();
  });
  const StepResult expected = first.step(batch);
  const StepResult actual = resumed.step(batch);
  EXPECT_NEAR(actual.loss, expected.loss, kSame);
  EXPECT_NEAR(actual.gradient_norm, expected.gradient_norm, kSame);
  EXPECT_GT(std::abs(recounted - expected.loss), kAnother);
}

// Eight heads, so that eight ranks can share them.
TrainerConfig eight_heads(int tensor_parallel, int data_parallel = 1) {
  TrainerConfig config = small_config();
  config.model.num_heads = 8;
  config.model.vocab_size = 1000;
  config.model.padded_vocab_size = 1024;
  config.tensor_parallel = tensor_parallel;
  config.data_parallel = data_parallel;
  return config;
}

TEST(Initialisation, IsTheSameForEveryLayout) {
  for (const OpTable* ops : fp32_backends()) {
    RankGroup one(eight_heads(1), *ops);
    const TensorMap expected = one.gather(&Parameter::master);
    for (const int tensor_parallel : {2, 4, 8}) {
      RankGroup many(eight_heads(tensor_parallel), *ops);
      EXPECT_EQ(many.gather(&Parameter::master), expected) << ops->name << " TP " << tensor_parallel;
    }
    TrainerConfig other = eight_heads(1);
    other.seed += 1;
    RankGroup reseeded(other, *ops);
    EXPECT_NE(reseeded.gather(&Parameter::master), expected);
  }
  // Every data-parallel rank starts from the same shard.
  RankGroup group(eight_heads(2, 2), *reference_backend(DType::kF32));
  for (const int rank : {0, 1}) {
    const std::vector<Parameter>& a = group.rank(rank).model().parameters().all();
    const std::vector<Parameter>& b = group.rank(rank + 2).model().parameters().all();
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(0, std::memcmp(a[i].value.data, b[i].value.data, a[i].value.size_bytes())) << a[i].spec.name;
    }
  }
}

TEST(Initialisation, OfAnElementFollowsFromItsPlaceInTheLogicalTensor) {
  // N(0, 0.02) by Box and Muller from the words of the element's block, written out; residual projections times
  // 1 / sqrt(2 * layers).
  const TrainerConfig config = eight_heads(4);
  RankGroup group(config, *reference_backend(DType::kF32));
  const TensorMap values = group.gather(&Parameter::master);
  const std::vector<ParameterSpec> table = gpt2_parameters(config.model, config.init_std);
  int num_random = 0;
  for (uint32_t number = 0; number < table.size(); ++number) {
    const ParameterSpec& spec = table[number];
    const std::vector<double>& tensor = values.at(spec.name);
    const bool residual = spec.name.ends_with("attn.out.weight") || spec.name.ends_with("mlp.down.weight");
    const double spread = residual ? 0.02 / std::sqrt(2.0 * static_cast<double>(config.model.num_layers)) : 0.02;
    for (const size_t element : {size_t{0}, size_t{1}, size_t{6}, size_t{7}, tensor.size() - 1}) {
      if (spec.dims == 1) {
        EXPECT_EQ(tensor[std::min(element, tensor.size() - 1)], spec.name.ends_with("bias") ? 0.0 : 1.0) << spec.name;
        continue;
      }
      const Philox4 block = philox(PhiloxKey{config.seed, 0, number, Site::kInit}, element / 4);
      const size_t pair = element % 4 / 2 * 2;
      const double uniform = (block.word[pair] + 1.0) / 4294967296.0;
      const double angle = 2.0 * std::acos(-1.0) * (block.word[pair + 1] / 4294967296.0);
      const double normal =
          std::sqrt(-2.0 * std::log(uniform)) * (element % 2 == 0 ? std::cos(angle) : std::sin(angle));
      EXPECT_NEAR(tensor[element], spread * normal, 1e-8) << spec.name << "[" << element << "]";
      ++num_random;
    }
  }
  EXPECT_EQ(num_random, 5 * (2 + 4 * 2));
}

TEST(Initialisation, DrawsFromTheNormalDistribution) {
  constexpr int kCount = 1 << 18;
  std::vector<double> draws;
  for (uint64_t i = 0; i < kCount; ++i) draws.push_back(philox_normal(PhiloxKey{9, 0, 5, Site::kInit}, i));
  double neighbours = 0;
  for (size_t i = 1; i < draws.size(); ++i) neighbours += draws[i] * draws[i - 1];
  EXPECT_NEAR(neighbours / kCount, 0, 5 / std::sqrt(kCount));
  std::sort(draws.begin(), draws.end());
  double largest = 0;  // Kolmogorov and Smirnov: above 1.95 / sqrt(n) once in a thousand times
  for (size_t i = 0; i < draws.size(); ++i) {
    const double expected = 0.5 * std::erfc(-draws[i] / std::sqrt(2.0));
    largest = std::max(largest, std::abs(expected - static_cast<double>(i) / kCount));
  }
  EXPECT_LT(largest, 1.95 / std::sqrt(kCount));
}

TEST(Initialisation, OfPaddedRowsIsZeroOnEveryRank) {
  for (const int tensor_parallel : {1, 8}) {
    const TrainerConfig config = eight_heads(tensor_parallel);
    RankGroup group(config, *reference_backend(DType::kF32));
    const int64_t rows = config.model.padded_vocab_size / tensor_parallel;
    const Tensor last = group.rank(tensor_parallel - 1).model().parameters().find("wte.weight")->value;
    const int64_t padding = config.model.padded_vocab_size - config.model.vocab_size;
    for (int64_t i = (rows - padding) * config.model.hidden_size; i < last.num_elements(); ++i) {
      ASSERT_EQ(last.as<float>()[i], 0.0f);
    }
    ASSERT_NE(last.as<float>()[(rows - padding) * config.model.hidden_size - 1], 0.0f);
  }
}

}  // namespace
}  // namespace millrace::testing
