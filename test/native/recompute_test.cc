// Recomputation changes memory and time and nothing else: every policy gives the bits of keeping everything, with
// dropout, at a real learning rate, for every layout. Each law has a twin that breaks one recomputed value.
#include <bit>
#include <cstring>

#include "rank_group.h"

namespace millrace::testing {
namespace {

constexpr int kSteps = 25;
constexpr int64_t kLayers = 3;
constexpr Recompute kPolicies[] = {Recompute::kSelective, Recompute::kFull};

const OpTable& reference() { return *reference_backend(DType::kF32); }

TrainerConfig deep_config(Recompute recompute, int tensor_parallel = 1, int data_parallel = 1) {
  TrainerConfig config = small_config();
  config.model.num_layers = kLayers;
  config.recompute = recompute;
  config.tensor_parallel = tensor_parallel;
  config.data_parallel = data_parallel;
  config.schedule = LearningRateSchedule{Decay::kCosine, 3e-3, 1e-4, 3, 40};
  return config;
}

// Everything that a run leaves behind, as bits.
struct Outcome {
  std::vector<uint64_t> curve;  // loss and gradient norm of each step
  TensorMap masters, first_moments, second_moments;
  double last_loss = 0;

  bool operator==(const Outcome& other) const {
    return curve == other.curve && masters == other.masters && first_moments == other.first_moments &&
           second_moments == other.second_moments;
  }
};

Outcome train(const TrainerConfig& config, const OpTable& ops, int num_steps = kSteps) {
  RankGroup group(config, ops);
  Outcome outcome;
  for (int step = 1; step <= num_steps; ++step) {
    const StepResult result = group.step(step);
    outcome.curve.push_back(std::bit_cast<uint64_t>(result.loss));
    outcome.curve.push_back(std::bit_cast<uint64_t>(result.gradient_norm));
    outcome.last_loss = result.loss;
  }
  outcome.masters = group.gather(&Parameter::master);
  outcome.first_moments = group.gather(&Parameter::first_moment);
  outcome.second_moments = group.gather(&Parameter::second_moment);
  return outcome;
}

struct Layout {
  int tensor_parallel, data_parallel, threads;
};

class Recomputation : public ::testing::TestWithParam<Layout> {};

TEST_P(Recomputation, GivesTheBitsOfKeepingEverything) {
  const auto [tensor_parallel, data_parallel, threads] = GetParam();
  for (const OpTable* ops : fp32_backends()) {
    TrainerConfig config = deep_config(Recompute::kNone, tensor_parallel, data_parallel);
    config.threads_per_rank = threads;
    const Outcome kept = train(config, *ops);
    EXPECT_LT(kept.last_loss, std::log(100.0) - 0.1) << "the curve should be one of learning";
    for (const Recompute policy : kPolicies) {
      config.recompute = policy;
      EXPECT_EQ(train(config, *ops), kept) << ops->name << " policy " << static_cast<int>(policy);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, Recomputation,
                         ::testing::Values(Layout{1, 1, 1}, Layout{1, 1, 3}, Layout{2, 1, 1}, Layout{1, 2, 1}),
                         [](const auto& info) {
                           return "Tp" + std::to_string(info.param.tensor_parallel) + "Dp" +
                                  std::to_string(info.param.data_parallel) + "Threads" +
                                  std::to_string(info.param.threads);
                         });

TEST(Recomputation, GivesTheBitsOfKeepingEverythingInEveryPrecision) {
  constexpr int kFewSteps = 10;
  for (const DType dtype : {DType::kF64, DType::kBF16, DType::kF16}) {
    for (const OpTable* ops : {reference_backend(dtype), cpu_backend(dtype)}) {
      if (ops == nullptr) continue;
      TrainerConfig config = deep_config(Recompute::kNone);
      config.dtype = dtype;
      config.loss_scale.dynamic = dtype == DType::kF16;
      config.loss_scale.initial = 0x1p10;
      const Outcome kept = train(config, *ops, kFewSteps);
      for (const Recompute policy : kPolicies) {
        config.recompute = policy;
        EXPECT_EQ(train(config, *ops, kFewSteps), kept) << ops->name << " " << static_cast<int>(dtype);
      }
    }
  }
}

TEST(Recomputation, GivesTheBitsOfKeepingEverythingWhenParallelismIsVerified) {
  for (const OpTable* ops : fp32_backends()) {
    TrainerConfig config = deep_config(Recompute::kNone, 2);
    config.verify_parallel = true;
    const Outcome kept = train(config, *ops);
    for (const int tensor_parallel : {1, 4}) {
      config.tensor_parallel = tensor_parallel;
      config.recompute = Recompute::kFull;
      EXPECT_EQ(train(config, *ops), kept) << ops->name << " TP " << tensor_parallel;
    }
  }
}

TEST(Recomputation, OfOneLayerHasNothingToDo) {
  TrainerConfig config = deep_config(Recompute::kNone);
  config.model.num_layers = 1;
  const Outcome kept = train(config, reference());
  for (const Recompute policy : kPolicies) {
    config.recompute = policy;
    EXPECT_EQ(train(config, reference()), kept);
  }
}

// The twins. A wrapped op goes wrong where its call is one of recomputation, which its number tells: one rank and one
// micro-batch a time, each op is called in a fixed order.
int64_t num_calls = 0;

OpTable with_masks_of_another_step() {
  OpTable table = reference();
  table.attention_forward = [](Context& context, const AttentionShape& shape, Tensor out, Tensor lse, Tensor qkv,
                               const Dropout& dropout) -> Status {
    Dropout other = dropout;
    const int64_t another = dropout.step == nullptr ? 0 : *dropout.step + 1;  // nothing is drawn while planning
    if (num_calls++ % (2 * kLayers - 1) >= kLayers) other.step = &another;
    return reference().attention_forward(context, shape, out, lse, qkv, other);
  };
  return table;
}

OpTable with_another_gelu() {
  OpTable table = reference();
  table.gelu_forward = [](Context& context, Gelu gelu, Tensor y, Tensor pre) -> Status {
    return reference().gelu_forward(context, gelu == Gelu::kTanh ? Gelu::kErf : Gelu::kTanh, y, pre);
  };
  return table;
}

OpTable with_another_norm() {
  OpTable table = reference();
  table.layernorm_forward = [](Context& context, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma,
                               Tensor beta, double epsilon) -> Status {
    // The first call of a micro-batch is the forward pass's own.
    const bool again = num_calls++ % (2 * kLayers - 1) > 0;
    return reference().layernorm_forward(context, y, mean, rstd, x, gamma, beta, again ? 2 * epsilon : epsilon);
  };
  return table;
}

TEST(BrokenRecomputation, OfAnyValueIsSeen) {
  const Outcome kept = train(deep_config(Recompute::kNone), reference());
  num_calls = -2 * kLayers + 1;  // planning is a pass of its own
  EXPECT_NE(train(deep_config(Recompute::kFull), with_masks_of_another_step()), kept);
  EXPECT_NE(train(deep_config(Recompute::kSelective), with_another_gelu()), kept);
  num_calls = -2 * kLayers + 1;
  EXPECT_NE(train(deep_config(Recompute::kSelective), with_another_norm()), kept);
}

// Bytes of `count` floats in an arena.
size_t floats(int64_t count) {
  const size_t bytes = static_cast<size_t>(count) * sizeof(float);
  return (bytes + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment;
}

TEST(Recomputation, SavesExactlyWhatItDoesNotKeep) {
  for (const OpTable* ops : fp32_backends()) {
    for (const int tensor_parallel : {1, 2}) {
      const auto planned = [&](Recompute recompute) {
        MemoryPlan plan;
        EXPECT_TRUE(Rank::plan(deep_config(recompute, tensor_parallel), *ops, &plan).ok());
        return plan;
      };
      const TrainerConfig config = deep_config(Recompute::kNone, tensor_parallel);
      const int64_t rows = config.micro_batch * config.sequence_length;
      const int64_t channels = config.model.hidden_size;
      const size_t norm = floats(rows * channels) + 2 * floats(rows);
      const size_t gelu = floats(rows * 4 * channels / tensor_parallel);
      const size_t attention = floats(rows * 3 * channels / tensor_parallel) +
                               floats(rows * channels / tensor_parallel) +
                               floats(rows * config.model.num_heads / tensor_parallel);
      const size_t middle = floats(rows * channels);
      const size_t selective = 2 * norm + gelu;
      const size_t full = selective + attention + middle + gelu;

      const MemoryPlan none = planned(Recompute::kNone);
      // One layer's worth remains, shared by all.
      EXPECT_EQ(none.activation_bytes - planned(Recompute::kSelective).activation_bytes, (kLayers - 1) * selective);
      EXPECT_EQ(none.activation_bytes - planned(Recompute::kFull).activation_bytes, (kLayers - 1) * full);
      EXPECT_EQ(none.parameter_bytes, planned(Recompute::kFull).parameter_bytes);
    }
  }
}

int64_t collectives_of_a_step(Recompute recompute, int64_t num_layers) {
  TrainerConfig config = deep_config(recompute, 2);
  config.model.num_layers = num_layers;
  config.global_batch = config.micro_batch;
  RankGroup group(config, reference());
  group.gradients(1);
  return static_cast<int64_t>(group.rank(0).place().tensor_group->num_collectives());
}

TEST(Recomputation, MakesOneMoreAllReduceALayerWhenItIsFullAndNoneWhenItIsSelective) {
  for (const int64_t num_layers : {2, 5}) {
    const int64_t kept = collectives_of_a_step(Recompute::kNone, num_layers);
    EXPECT_EQ(collectives_of_a_step(Recompute::kSelective, num_layers), kept);
    EXPECT_EQ(collectives_of_a_step(Recompute::kFull, num_layers), kept + num_layers - 1);
  }
}

}  // namespace
}  // namespace millrace::testing
