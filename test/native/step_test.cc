// The step: micro-batches and data parallelism change rounding alone, padded ids do not exist, clipping, schedule,
// skipped steps, and the arena that is planned by the code that runs.
#include <cstring>
#include <limits>
#include <new>

#include "rank_group.h"

namespace millrace::testing {
namespace {

constexpr int64_t kAtOnce = OpTable{}.logits_at_once;
constexpr double kRounding = 1e-5;  // fp32 sums in another order, as in tensor_parallel_test.cc

const OpTable& reference() { return *reference_backend(DType::kF32); }

struct Outcome {
  std::vector<double> losses;
  TensorMap parameters;
};

Outcome train(const TrainerConfig& config, const OpTable& ops, int steps = 10) {
  RankGroup group(config, ops);
  Outcome outcome;
  for (int step = 1; step <= steps; ++step) outcome.losses.push_back(group.step(step).loss);
  outcome.parameters = group.gather(&Parameter::value);
  return outcome;
}

void expect_near(const Outcome& a, const Outcome& b, double tolerance) {
  for (size_t i = 0; i < a.losses.size(); ++i) EXPECT_NEAR(a.losses[i], b.losses[i], tolerance) << "step " << i + 1;
}

TEST(Step, MicroBatchSizesGiveTheSameLosses) {
  for (const OpTable* ops : fp32_backends()) {
    TrainerConfig config = small_config();
    config.micro_batch = 4;
    const Outcome whole = train(config, *ops);
    for (const int64_t micro_batch : {1, 2}) {
      config.micro_batch = micro_batch;
      expect_near(whole, train(config, *ops), kRounding);
    }
  }
}

TEST(Step, DataParallelRanksGiveTheSameLossesAsOne) {
  for (const OpTable* ops : fp32_backends()) {
    TrainerConfig config = small_config();
    config.micro_batch = 1;
    const Outcome one = train(config, *ops);
    config.data_parallel = 2;
    expect_near(one, train(config, *ops), kRounding);
    config.tensor_parallel = 2;
    expect_near(one, train(config, *ops), kRounding);
  }
}

TEST(Step, DataParallelRanksKeepTheSameParametersBitForBit) {
  TrainerConfig config = small_config();
  config.data_parallel = 2;
  RankGroup group(config, reference());
  for (int step = 1; step <= 5; ++step) group.step(step);
  const std::vector<Parameter>& a = group.rank(0).model().parameters().all();
  const std::vector<Parameter>& b = group.rank(1).model().parameters().all();
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(0, std::memcmp(a[i].value.data, b[i].value.data, a[i].value.size_bytes())) << a[i].spec.name;
  }
}

TEST(Step, SamplesNumberedWithinAMicroBatchAreSeen) {
  // What the two laws above would say if dropout went by the place in the batch instead of the global sample.
  TrainerConfig config = small_config();
  RankGroup right(config, reference());
  RankGroup broken(config, reference());
  TestBatch batch(config, 1);
  const double loss = right.step(batch).loss;
  for (size_t row = 0; row < batch.samples.size(); ++row) {
    batch.samples[row] = static_cast<int64_t>(row) % config.micro_batch;
  }
  EXPECT_GT(std::abs(broken.step(batch).loss - loss), 20 * kRounding);
}

TEST(Step, TensorParallelRanksKeepTheSameDuplicatedParametersBitForBit) {
  for (const OpTable* ops : fp32_backends()) {
    TrainerConfig config = small_config();
    config.tensor_parallel = 2;
    RankGroup group(config, *ops);
    for (int step = 1; step <= 5; ++step) group.step(step);
    const std::vector<Parameter>& a = group.rank(0).model().parameters().all();
    const std::vector<Parameter>& b = group.rank(1).model().parameters().all();
    for (size_t i = 0; i < a.size(); ++i) {
      const bool equal = std::memcmp(a[i].value.data, b[i].value.data, a[i].value.size_bytes()) == 0;
      EXPECT_EQ(equal, a[i].spec.split == Split::kReplicated || a[i].value.num_elements() == 0) << a[i].spec.name;
    }
  }
}

TEST(Step, AnExceptionOnOneRankEndsTheWaitsOfTheOthersWhateverTheWork) {
  for (const bool collective : {true, false}) {
    TrainerConfig config = small_config();
    config.tensor_parallel = 2;
    RankGroup group(config, reference());
    const Status status = group.run(
        [](Rank& rank) -> Status {
          if (rank.place().rank == 1) throw std::bad_alloc();
          return rank.place().world_group->barrier(*rank.env().context, "a barrier");
        },
        collective);
    EXPECT_EQ(status.code(), MR_OUT_OF_MEMORY);
    EXPECT_EQ(status.message(), "rank 1, start: out of memory");
  }
}

TEST(Step, UncountedTargetsLeaveTheMeanOverTheCountedOnes) {
  const TrainerConfig config = small_config();
  const int64_t columns = config.sequence_length + 1;
  // Row r keeps r + 3 tokens; the mean over all counted targets is not a mean of the rows' means.
  TestBatch batch(config, 1);
  int64_t counted = 0;
  for (int64_t row = 0; row < config.global_batch; ++row) {
    for (int64_t t = row + 3; t < columns; ++t) batch.tokens[static_cast<size_t>(row * columns + t)] = -1;
    counted += row + 2;
  }
  for (const int64_t micro_batch : {1, 4}) {
    TrainerConfig other = config;
    other.micro_batch = micro_batch;
    other.dropout = 0;
    RankGroup group(other, reference());
    double evaluated = 0;
    int64_t tokens = 0;
    group.must(
        [&](Rank& rank) { return rank.evaluate(batch.tokens.data(), config.global_batch, &evaluated, &tokens); });
    EXPECT_EQ(tokens, counted);
    const StepResult result = group.step(batch);
    EXPECT_EQ(result.num_tokens, counted);
    EXPECT_NEAR(result.loss, evaluated / static_cast<double>(counted), kRounding);
  }
}

TEST(Step, PaddedIdsGetNoProbability) {
  // The same model with less or more padding: if padding took any probability, the losses would differ.
  TrainerConfig config = small_config();
  config.model.padded_vocab_size = 100;
  const Outcome none = train(config, reference());
  for (const int64_t padded : {128, 384}) {
    config.model.padded_vocab_size = padded;
    const Outcome some = train(config, reference());
    expect_near(none, some, kRounding);
    EXPECT_LT(worst_difference(none.parameters, some.parameters), 1e-3);
  }
  // The same rows taken as true ids do take some, and it shows.
  TrainerConfig counted = config;
  counted.model.vocab_size = counted.model.padded_vocab_size;
  RankGroup unmasked(counted, reference());
  EXPECT_GT(std::abs(unmasked.step(TestBatch(config, 1)).loss - none.losses[0]), 100 * kRounding);
  // Nor does it get any gradient: its rows stay zero.
  config.tensor_parallel = 2;
  RankGroup group(config, reference());
  for (int step = 1; step <= 5; ++step) group.step(step);
  const Tensor wte = group.rank(1).model().parameters().find("wte.weight")->value;
  for (int64_t i = 0; i < wte.num_elements(); ++i) ASSERT_EQ(wte.as<float>()[i], 0.0f);
}

TEST(Step, UsesExactlyTheMemoryThatWasPlanned) {
  for (const OpTable* ops : fp32_backends()) {
    for (const int tensor_parallel : {1, 2}) {
      TrainerConfig config = small_config();
      config.tensor_parallel = tensor_parallel;
      MemoryPlan plan;
      ASSERT_TRUE(Rank::plan(config, *ops, &plan).ok());
      RankGroup group(config, *ops);
      group.step(1);
      for (int r = 0; r < tensor_parallel; ++r) {
        EXPECT_EQ(group.rank(r).arena().peak_bytes(), plan.total_bytes);
        EXPECT_EQ(group.rank(r).arena().capacity_bytes(), plan.total_bytes);
      }
      EXPECT_EQ(plan.total_bytes,
                plan.parameter_bytes + plan.gradient_bytes + plan.optimizer_bytes + plan.activation_bytes);
    }
  }
}

TEST(Step, ANonFiniteGradientChangesNothingButTheStepCount) {
  TrainerConfig config = small_config();
  config.schedule.warmup_steps = 10;
  RankGroup group(config, reference());
  group.step(1);
  const double fine = group.gather(&Parameter::value).at("ln_f.bias")[0];
  group.nudge("ln_f.bias", 0, std::numeric_limits<double>::infinity());
  const TensorMap before = group.gather(&Parameter::value);
  const TensorMap moments = group.gather(&Parameter::second_moment);

  const StepResult skipped = group.step(2);
  EXPECT_TRUE(skipped.skipped);
  EXPECT_EQ(skipped.step, 2);
  EXPECT_EQ(group.gather(&Parameter::value), before);
  EXPECT_EQ(group.gather(&Parameter::second_moment), moments);
  EXPECT_EQ(group.rank(0).progress().steps, 2);
  EXPECT_EQ(group.rank(0).progress().updates, 1);

  const Parameter* bias = group.rank(0).model().parameters().find("ln_f.bias");
  bias->value.as<float>()[0] = static_cast<float>(fine);
  const StepResult resumed = group.step(3);
  EXPECT_FALSE(resumed.skipped);
  EXPECT_EQ(resumed.learning_rate, config.schedule.at(2)) << "the schedule waited";
}

TEST(Step, TheGradientNormIsThatOfTheLogicalTensors) {
  TrainerConfig config = small_config();
  config.tensor_parallel = 2;
  RankGroup group(config, reference());
  group.gradients(1);
  double squares = 0;
  for (const auto& [name, values] : group.gather(&Parameter::gradient)) {
    for (const double value : values) squares += value * value;
  }
  EXPECT_NEAR(group.gradient_norm(), std::sqrt(squares), 1e-9);
}

TEST(Step, BiasesAndNormsDoNotDecay) {
  for (const ParameterSpec& spec : gpt2_parameters(small_config().model, 0.02)) {
    EXPECT_EQ(spec.decays, spec.dims == 2) << spec.name;
  }
}

TEST(Initialisation, HasTheSpreadOfThePaper) {
  TrainerConfig config = small_config();
  config.model.hidden_size = 128;
  config.model.num_layers = 8;
  RankGroup group(config, reference());
  const TensorMap values = group.gather(&Parameter::value);
  const auto spread = [&](const char* name) {
    double sum = 0, squares = 0;
    for (const double value : values.at(name)) {
      sum += value;
      squares += value * value;
    }
    const double count = static_cast<double>(values.at(name).size());
    EXPECT_NEAR(sum / count, 0, 5 * 0.02 / std::sqrt(count)) << name;
    return std::sqrt(squares / count);
  };
  EXPECT_NEAR(spread("wte.weight"), 0.02, 0.02 * 0.02);
  EXPECT_NEAR(spread("h.3.attn.qkv.weight"), 0.02, 0.02 * 0.02);
  EXPECT_NEAR(spread("h.3.attn.out.weight"), 0.02 / 4, 0.02 * 0.005);
  EXPECT_NEAR(spread("h.7.mlp.down.weight"), 0.02 / 4, 0.02 * 0.005);
  EXPECT_EQ(values.at("h.0.ln_1.weight")[5], 1.0);
  EXPECT_EQ(values.at("h.0.attn.qkv.bias")[5], 0.0);
}

TEST(Schedule, WarmsUpFollowsTheCosineAndStopsAtTheFloor) {
  LearningRateSchedule schedule{Decay::kCosine, 1.5e-4, 1e-5, 3000, 300000};
  EXPECT_DOUBLE_EQ(schedule.at(1), 1.5e-4 / 3000);
  EXPECT_DOUBLE_EQ(schedule.at(3000), 1.5e-4);
  EXPECT_DOUBLE_EQ(schedule.at(3000 + 148500), 0.75e-4);
  EXPECT_DOUBLE_EQ(schedule.at(300000), 1e-5);
  EXPECT_DOUBLE_EQ(schedule.at(400000), 1e-5);
  for (int64_t update = 3001; update < 300000; update += 997) {
    EXPECT_LE(schedule.at(update + 1), schedule.at(update));
    EXPECT_GE(schedule.at(update), 1e-5);
  }
  schedule.decay = Decay::kLinear;
  EXPECT_DOUBLE_EQ(schedule.at(3000 + 148500), 0.75e-4);
  schedule.decay = Decay::kConstant;
  EXPECT_DOUBLE_EQ(schedule.at(400000), 1.5e-4);
  schedule.warmup_steps = 0;
  EXPECT_DOUBLE_EQ(schedule.at(1), 1.5e-4);
}

TEST(Head, FewerRowsThanWereAllocatedStayInTheirMemory) {
  // 384 rows make two chunks of 192 and 320 would make one, which is larger.
  TrainerConfig config = small_config();
  config.model.num_layers = 1;
  config.model.hidden_size = 8;
  config.model.num_heads = 2;
  config.model.context_length = config.sequence_length = 64;
  config.model.vocab_size = 50257;
  config.model.padded_vocab_size = 50304;
  config.micro_batch = config.global_batch = 6;
  ASSERT_GT(Head::chunk_rows(5 * 64, 50257, kAtOnce), Head::chunk_rows(6 * 64, 50257, kAtOnce));
  const TestBatch batch(config, 1);
  for (const OpTable* ops : fp32_backends()) {
    RankGroup group(config, *ops);
    const auto evaluate = [&](int64_t begin, int64_t count) {
      double sum = 0;
      int64_t tokens = 0;
      group.must([&](Rank& rank) { return rank.evaluate(batch.tokens.data() + begin * 65, count, &sum, &tokens); });
      EXPECT_EQ(tokens, count * 64);
      return sum;
    };
    const double together = evaluate(0, 5);
    double apart = 0;
    for (int64_t row = 0; row < 5; ++row) apart += evaluate(row, 1);
    EXPECT_NEAR(together, apart, kRounding * apart);
  }
}

TEST(Head, ChunksCoverTheRowsEvenly) {
  for (const int64_t rows : {1, 15, 16, 100, 333, 512, 1024, 4096}) {
    for (const int64_t vocab : {128, 50257, 51200}) {
      const int64_t chunk = Head::chunk_rows(rows, vocab, kAtOnce);
      EXPECT_GE(chunk, 1);
      EXPECT_LE(chunk, rows);
      EXPECT_LE(chunk * vocab * 4, (int64_t{64} << 20) + 16 * vocab * 4);
    }
  }
  EXPECT_EQ(Head::chunk_rows(512, 50257, kAtOnce), 256);
  EXPECT_EQ(Head::chunk_rows(4096, 128, kAtOnce), 4096);
  EXPECT_EQ(Head::chunk_rows(512, 50257, 512 * 50257), 512);
}

}  // namespace
}  // namespace millrace::testing
