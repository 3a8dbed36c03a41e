// The whole model's gradient against central finite differences in fp64, dropout on with fixed masks.
#include <limits>

#include "rank_group.h"

namespace millrace::testing {
namespace {

// Central differences of a smooth function err by about epsilon^2 and, from rounding, 1e-16 / epsilon: both near 1e-10
// here; gradients are of order 1e-2.
constexpr double kEpsilon = 1e-5;
constexpr double kTolerance = 1e-6;  // of the tensor's largest gradient

TrainerConfig double_config(int tensor_parallel) {
  TrainerConfig config = small_config();
  config.dtype = DType::kF64;
  config.tensor_parallel = tensor_parallel;
  config.model.hidden_size = 16;
  config.model.vocab_size = 30;
  config.model.padded_vocab_size = 32;
  config.sequence_length = 6;
  config.global_batch = 4;
  return config;
}

// The worst deviation over a sample of every tensor's elements, relative to the tensor's largest gradient.
double worst_deviation(RankGroup& group) {
  group.disturb();
  group.gradients(1);
  const TensorMap gradients = group.gather(&Parameter::gradient);
  double worst = 0;
  for (const auto& [name, values] : gradients) {
    double largest = 0;
    for (const double value : values) largest = std::max(largest, std::abs(value));
    if (largest == 0) return std::numeric_limits<double>::infinity();  // no parameter is without effect
    // A prime stride meets rows and columns of every rank.
    const size_t stride = std::max<size_t>(1, values.size() / 11) | 1;
    for (size_t i = 0; i < values.size(); i += stride) {
      const int64_t element = static_cast<int64_t>(i);
      group.nudge(name, element, kEpsilon);
      const double above = group.dropout_loss(1);
      group.nudge(name, element, -2 * kEpsilon);
      const double below = group.dropout_loss(1);
      group.nudge(name, element, kEpsilon);
      const double numeric = (above - below) / (2 * kEpsilon);
      const double deviation = std::abs(numeric - values[i]) / largest;

      worst = std::max(worst, deviation);
    }
  }
  return worst;
}

class Gradient : public ::testing::TestWithParam<int> {};

TEST_P(Gradient, EqualsFiniteDifferences) {
  for (const Gelu gelu : {Gelu::kTanh, Gelu::kErf}) {
    TrainerConfig config = double_config(GetParam());
    config.model.gelu = gelu;
    // What is computed again has the same gradient, so both are tested in one.
    config.recompute = gelu == Gelu::kErf ? Recompute::kFull : Recompute::kNone;
    RankGroup group(config, *reference_backend(DType::kF64));
    EXPECT_LT(worst_deviation(group), kTolerance);
  }
}

INSTANTIATE_TEST_SUITE_P(TensorParallel, Gradient, ::testing::Values(1, 2, 4));

TEST(Gradient, DoesNotEqualFiniteDifferencesWhenFAndGAreSwapped) {
  ParallelPolicy swapped;
  std::swap(swapped.f, swapped.g);
  RankGroup group(double_config(2), *reference_backend(DType::kF64), swapped);
  EXPECT_GT(worst_deviation(group), 1e-2);
}

}  // namespace
}  // namespace millrace::testing
