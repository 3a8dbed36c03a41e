// Mixed precision: bf16 and fp16 follow fp32, masters keep what 16 bits cannot, a loss scale saves fp16's gradients and
// steps that overflow change nothing.
#include <cstring>

#include "precision_config.h"

namespace millrace::testing {
namespace {

std::vector<double> losses_of(RankGroup& group, int steps) {
  std::vector<double> losses;
  for (int step = 1; step <= steps; ++step) losses.push_back(group.step(step).loss);
  return losses;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(Precision, The16BitFormatsFollowTheLossOfFp32WhileItFalls) {
  constexpr int kSteps = 60;
  // bf16 rounds at 2^-9 and fp16 at 2^-12 of a value; over these steps the losses of both drift apart by a few of that.
  for (const auto& [dtype, tolerance] : {std::pair{DType::kBF16, 0.03}, std::pair{DType::kF16, 0.004}}) {
    for (const OpTable* table : tables_of(dtype)) {
      RankGroup exact(config_of(DType::kF32), *reference_backend(DType::kF32));
      RankGroup rounded(config_of(dtype), *table);
      const std::vector<double> expected = losses_of(exact, kSteps);
      EXPECT_LE(largest_difference(expected, losses_of(rounded, kSteps)), tolerance) << table->name;
      EXPECT_LT(expected.back(), expected.front() - 0.4) << "the loss falls, or following it means nothing";
      EXPECT_EQ(rounded.rank(0).progress().updates, kSteps);
    }
  }
}

// What training without masters would do: after each step the optimizer's weights are what ops read.
void forget_masters(RankGroup& group) {
  for (const Parameter& parameter : group.rank(0).model().parameters().all()) {
    for (int64_t i = 0; i < parameter.master.num_elements(); ++i) {
      parameter.master.as<float>()[i] = parameter.value.as<BFloat16>()[i];
    }
  }
}

TEST(Precision, MastersKeepUpdatesThatAreSmallerThanARounding) {
  // LayerNorm's weights begin at 1, where bf16 has steps of 2^-8 downward; an update is about the learning rate.
  TrainerConfig config = config_of(DType::kBF16);
  config.schedule.peak = 1e-4;
  const auto moved = [&](bool with_masters) {
    RankGroup group(config, *reference_backend(DType::kBF16));
    for (int step = 1; step <= 60; ++step) {
      group.step(step);
      if (!with_masters) forget_masters(group);
    }
    int64_t count = 0;
    const TensorMap values = group.gather(&Parameter::value);
    for (const double value : values.at("h.1.ln_2.weight")) count += value != 1.0 ? 1 : 0;
    return count;
  };
  EXPECT_GT(moved(true), 0);
  EXPECT_EQ(moved(false), 0) << "without masters every update is lost";
}

TEST(Precision, ValuesAreTheMastersRounded) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* table : tables_of(dtype)) {
      RankGroup group(config_of(dtype), *table);
      losses_of(group, 3);
      const TensorMap masters = group.gather(&Parameter::master);
      for (const auto& [name, values] : group.gather(&Parameter::value)) {
        for (size_t i = 0; i < values.size(); ++i) {
          const double master = masters.at(name)[i];
          const double rounded =
              dtype == DType::kBF16 ? static_cast<double>(BFloat16(master)) : static_cast<double>(Float16(master));
          ASSERT_EQ(values[i], rounded) << name;
        }
      }
    }
  }
}

TEST(Precision, RanksHoldTheSameDuplicatedWeightsBitForBit) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* table : tables_of(dtype)) {
      TrainerConfig config = config_of(dtype);
      config.tensor_parallel = 2;
      config.data_parallel = 2;
      RankGroup group(config, *table);
      losses_of(group, 5);
      for (int r = 1; r < 4; ++r) {
        const std::vector<Parameter>& a = group.rank(0).model().parameters().all();
        const std::vector<Parameter>& b = group.rank(r).model().parameters().all();
        for (size_t i = 0; i < a.size(); ++i) {
          if (a[i].spec.split != Split::kReplicated && group.rank(r).place().tensor_rank != 0) continue;
          EXPECT_EQ(0, std::memcmp(a[i].value.data, b[i].value.data, a[i].value.size_bytes())) << a[i].spec.name;
          EXPECT_EQ(0, std::memcmp(a[i].master.data, b[i].master.data, a[i].master.size_bytes())) << a[i].spec.name;
        }
      }
    }
  }
}

TEST(Precision, TensorAndDataParallelRanksFollowOne) {
  constexpr double kTolerance = 0.01;  // bf16 sums of two ranks round where one rank's does not
  for (const OpTable* table : tables_of(DType::kBF16)) {
    TrainerConfig config = config_of(DType::kBF16);
    config.micro_batch = 1;
    RankGroup one(config, *table);
    const std::vector<double> expected = losses_of(one, 20);
    for (const auto& [tensor, data] : {std::pair{2, 1}, std::pair{1, 2}, std::pair{2, 2}, std::pair{4, 1}}) {
      config.tensor_parallel = tensor;
      config.data_parallel = data;
      RankGroup many(config, *table);
      EXPECT_LE(largest_difference(expected, losses_of(many, 20)), kTolerance) << tensor << " " << data;
    }
  }
}

TEST(Precision, FewerAndShorterSequencesFitInTheMemoryOfAStep) {
  // A product of fewer rows is cut into longer tiles; that alone once took more than the step had planned.
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* table : tables_of(dtype)) {
      TrainerConfig config = config_of(dtype);
      config.model.hidden_size = 48;
      config.model.num_heads = 8;
      config.model.context_length = config.sequence_length = 24;
      config.model.vocab_size = 901;
      config.model.padded_vocab_size = 1024;
      config.tensor_parallel = 8;
      config.verify_parallel = true;  // cuts small products too
      config.recompute = Recompute::kSelective;
      config.micro_batch = config.global_batch = 4;
      RankGroup group(config, *table);
      const TestBatch batch(config, 1);
      for (int64_t count = 1; count <= config.micro_batch; ++count) {
        group.must([&](Rank& rank) {
          double sum = 0;
          int64_t tokens = 0;
          return rank.evaluate(batch.tokens.data(), count, &sum, &tokens);
        });
      }
      std::vector<float> logits(static_cast<size_t>(config.model.vocab_size));
      for (int64_t length = 1; length <= config.sequence_length; ++length) {
        group.must([&](Rank& rank) { return rank.logits(batch.tokens.data(), length, logits.data()); });
      }
      group.step(1);
    }
  }
}

TEST(Precision, RecomputingChangesNoBitOfA16BitRun) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* table : tables_of(dtype)) {
      TrainerConfig config = config_of(dtype);
      RankGroup kept(config, *table);
      const std::vector<double> expected = losses_of(kept, 5);
      for (const Recompute recompute : {Recompute::kSelective, Recompute::kFull}) {
        config.recompute = recompute;
        RankGroup again(config, *table);
        EXPECT_EQ(losses_of(again, 5), expected) << table->name;
        EXPECT_EQ(again.gather(&Parameter::master), kept.gather(&Parameter::master)) << table->name;
      }
    }
  }
}

TEST(Precision, VerifyingRanksHaveTheSameBitsIn16BitFormatsToo) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* table : tables_of(dtype)) {
      TrainerConfig config = config_of(dtype);
      config.model.padded_vocab_size = 512;
      config.verify_parallel = true;
      RankGroup one(config, *table);
      const std::vector<double> expected = losses_of(one, 5);
      for (const int tensor : {2, 4}) {
        config.tensor_parallel = tensor;
        RankGroup many(config, *table);
        EXPECT_EQ(losses_of(many, 5), expected) << table->name << " " << tensor;
        EXPECT_TRUE(many.gather(&Parameter::master) == one.gather(&Parameter::master)) << table->name << " " << tensor;
      }
    }
  }
}

TEST(Precision, AScaleChangesNoBitWhereNothingUnderflows) {
  // bf16 has the range of f32, so a scaled run is the unscaled one: what a power of two does is undone exactly.
  for (const OpTable* table : tables_of(DType::kBF16)) {
    const auto run = [&](double scale) {
      TrainerConfig config = config_of(DType::kBF16, scale);
      config.loss_scale.dynamic = true;
      RankGroup group(config, *table);
      std::vector<double> curve;
      for (int step = 1; step <= 10; ++step) {
        const StepResult result = group.step(step);
        EXPECT_EQ(result.loss_scale, scale);
        curve.insert(curve.end(), {result.loss, result.gradient_norm});
      }
      return std::pair{curve, group.gather(&Parameter::master)};
    };
    EXPECT_TRUE(run(1) == run(0x1p16)) << table->name;
    EXPECT_FALSE(run(1) == run(3)) << "what is no power of two rounds";
  }
}

TEST(Precision, AScaleSavesTheSmallGradientsOfFp16) {
  const auto gradients = [](DType dtype, double scale) {
    RankGroup group(config_of(dtype, scale), *reference_backend(dtype));
    group.disturb();
    group.gradients(1);
    TensorMap all = group.gather(&Parameter::gradient);
    for (auto& [name, values] : all) {
      for (double& value : values) value /= dtype == DType::kF16 ? scale : 1.0;
    }
    // K's bias has a gradient of zero but for rounding.
    for (const char* layer : {"h.0.", "h.1."}) all.erase(std::string(layer) + "attn.qkv.bias");
    return all;
  };
  const TensorMap exact = gradients(DType::kF32, 1);
  const double scaled = worst_difference(exact, gradients(DType::kF16, kGoodScale));
  // The gradients of a batch of a thousand times as many tokens would be as small without a scale as these are.
  const double unscaled = worst_difference(exact, gradients(DType::kF16, 0x1p-10));
  EXPECT_LT(scaled, 0.01);
  EXPECT_GT(unscaled, 10 * scaled);
}

TEST(Precision, ARunFromThePapersScaleSkipsUntilItFitsAndThenTrains) {
  for (const OpTable* table : tables_of(DType::kF16)) {
    TrainerConfig config = config_of(DType::kF16, 0x1p32);
    config.schedule.warmup_steps = 10;
    config.loss_scale.window = 8;
    RankGroup group(config, *table);
    StepControl expected = Progress::first(config.loss_scale).control();
    int64_t updates = 0;
    int doubled = 0;
    for (int step = 1; step <= 60; ++step) {
      const TensorMap masters = group.gather(&Parameter::master);
      const TensorMap moments = group.gather(&Parameter::first_moment);
      const StepResult result = group.step(step);
      EXPECT_EQ(result.loss_scale, expected.loss_scale) << step;
      EXPECT_EQ(result.learning_rate, config.schedule.at(updates + 1)) << "the schedule waits";
      EXPECT_EQ(result.overflow.empty(), !result.skipped);
      EXPECT_TRUE(std::isfinite(result.loss)) << "the loss is f32 and not scaled";
      EXPECT_EQ(group.gather(&Parameter::master) == masters, result.skipped) << step;
      EXPECT_EQ(group.gather(&Parameter::first_moment) == moments, result.skipped) << step;
      if (!result.skipped) ++updates;
      const double before = expected.loss_scale;
      if (result.skipped) {
        EXPECT_TRUE(lower_loss_scale(config.loss_scale, expected));
      } else {
        raise_loss_scale(config.loss_scale, expected);
      }
      doubled += expected.loss_scale > before ? 1 : 0;
      EXPECT_EQ(group.rank(0).progress().updates, updates);
      EXPECT_EQ(group.rank(0).progress().steps, step);
    }
    EXPECT_GT(updates, 20);
    EXPECT_LT(updates, 60);
    EXPECT_GT(doubled, 0) << "the scale was tried upward too";
  }
}

}  // namespace
}  // namespace millrace::testing
