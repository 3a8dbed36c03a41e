// A step whose gradient is not finite: it is traced to operation, layer, tensor and rank, and ends the run when nothing
// is left to try.
#include <limits>

#include "precision_config.h"

namespace millrace::testing {
namespace {

StepResult step_after(DType dtype, const std::string& parameter, int64_t element, double delta) {
  TrainerConfig config = config_of(dtype);
  config.tensor_parallel = 2;
  RankGroup group(config, *reference_backend(dtype));
  EXPECT_EQ(group.step(1).overflow, "");
  group.nudge(parameter, element, delta);
  return group.step(2);
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(Overflow, IsTracedToTheWeightThatIsNotFinite) {
  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    const StepResult result = step_after(dtype, "h.1.mlp.down.weight", 5, kInfinity);
    EXPECT_TRUE(result.skipped);
    EXPECT_EQ(result.overflow, "layer 1 mlp down forward, parameter h.1.mlp.down.weight: 1 of 2048 values (rank 0)");
  }
}

TEST(Overflow, NamesTheRankThatHoldsTheTensor) {
  // Row 100 of 128 is on rank 1; its product overflows fp16 and no other format.
  const StepResult result = step_after(DType::kF16, "h.0.mlp.up.weight", 100 * 32, 60000);
  EXPECT_TRUE(result.skipped);
  EXPECT_EQ(result.overflow.substr(0, result.overflow.find(':')), "layer 0 mlp up forward, output pre");
  EXPECT_NE(result.overflow.find("(rank 1)"), std::string::npos) << result.overflow;
  EXPECT_FALSE(step_after(DType::kBF16, "h.0.mlp.up.weight", 100 * 32, 60000).skipped);
}

TEST(Overflow, OfASumOverRanksIsAnInputThatNoRankWrote) {
  TrainerConfig config = config_of(DType::kF16);
  config.tensor_parallel = 2;
  RankGroup group(config, *reference_backend(DType::kF16));
  // Each half of the feed-forward width adds 40,000 to one channel.
  for (const int64_t unit : {3, 100}) {
    group.nudge("h.0.mlp.up.bias", unit, 200.0);
    group.nudge("h.0.mlp.down.weight", 7 * 128 + unit, 200.0);
  }
  const StepResult result = group.step(1);
  EXPECT_EQ(result.overflow.substr(0, result.overflow.find(':')), "layer 0 mlp residual forward, input x");
}

TEST(Overflow, OfTheBackwardPassIsTracedToo) {
  RankGroup group(config_of(DType::kF16, 0x1p32), *reference_backend(DType::kF16));
  EXPECT_EQ(group.step(1).overflow.substr(0, 44), "head cross entropy backward, output logits: ");
}

TEST(Overflow, AtTheSmallestScaleEndsTheRunAndNamesTheTensor) {
  TrainerConfig config = config_of(DType::kF16, 2.0);
  RankGroup group(config, *reference_backend(DType::kF16));
  group.nudge("h.1.ln_1.bias", 0, kInfinity);
  EXPECT_TRUE(group.step(1).skipped);
  EXPECT_EQ(group.step(2).loss_scale, 2.0);
  const TestBatch batch(config, 3);
  const Status status = group.run([&](Rank& rank) {
    StepResult unused;
    return rank.step(batch.tokens.data(), batch.samples.data(), &unused);
  });
  EXPECT_EQ(status.code(), MR_DIVERGED);
  EXPECT_NE(status.message().find("learning rate"), std::string::npos) << status.message();
  EXPECT_NE(status.message().find("parameter h.1.ln_1.bias"), std::string::npos) << status.message();
}

TEST(Overflow, UsesNoMemoryThatWasNotPlanned) {
  for (const OpTable* table : tables_of(DType::kF16)) {
    RankGroup group(config_of(DType::kF16, 0x1p32), *table);
    EXPECT_TRUE(group.step(1).skipped);
    EXPECT_EQ(group.rank(0).arena().peak_bytes(), group.rank(0).arena().capacity_bytes());
  }
}

}  // namespace
}  // namespace millrace::testing
