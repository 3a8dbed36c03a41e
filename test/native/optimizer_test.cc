// The update as configured, against closed forms that share nothing with the code: in fp64, from the gradients of every
// step, with the moments as explicit sums over all steps so far. Each law has a twin that configures or breaks one
// thing.
#include "rank_group.h"

namespace millrace::testing {
namespace {

constexpr int kSteps = 6;
constexpr double kRounding = 1e-12;  // of values of order 0.1
constexpr double kSeen = 1e-7;

// Everything away from its default, and each of it so large that it shows.
TrainerConfig telling_config() {
  TrainerConfig config = small_config();
  config.dtype = DType::kF64;
  config.tensor_parallel = 2;
  config.data_parallel = 2;
  config.micro_batch = 1;
  config.schedule = LearningRateSchedule{Decay::kLinear, 2e-3, 5e-4, 2, 5};
  config.optimizer = OptimizerSettings{0.8, 0.95, 1e-3, 0.3, 0.05};
  return config;
}

struct Update {
  double learning_rate = 0;
  double norm = 0;
  TensorMap gradients;  // of the global batch, not clipped
};

struct Trace {
  TensorMap start, end;
  std::vector<Update> steps;
};

Trace run_of(const TrainerConfig& config, const ParallelPolicy& policy = ParallelPolicy::standard()) {
  RankGroup group(config, *reference_backend(DType::kF64), policy);
  group.disturb();
  Trace run;
  run.start = group.gather(&Parameter::master);
  for (int number = 1; number <= kSteps; ++number) {
    const StepResult result = group.step(number);
    run.steps.push_back(Update{result.learning_rate, result.gradient_norm, group.gather(&Parameter::gradient)});
  }
  run.end = group.gather(&Parameter::master);
  return run;
}

double norm_of(const TensorMap& gradients) {
  double squares = 0;
  for (const auto& [name, values] : gradients) {
    for (const double value : values) squares += value * value;
  }
  return std::sqrt(squares);
}

// Matrices and embeddings decay; LayerNorm's gains, called weight too, do not.
bool decays(const std::string& name) { return name.ends_with(".weight") && name.find("ln_") == std::string::npos; }

// Rises to 2e-3 over two updates, falls in a straight line to nothing at the fifth and stops at 5e-4.
constexpr double kRates[kSteps] = {1e-3, 2e-3, 4e-3 / 3, 2e-3 / 3, 5e-4, 5e-4};

// The largest distance of the run's end from AdamW's: w <- w - lr (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) +
// decay w), m and v the weighted sums of all clipped gradients and of their squares.
double distance_from_adamw(const Trace& run, const OptimizerSettings& settings) {
  std::vector<double> factors;
  for (const Update& step : run.steps) {
    const double norm = norm_of(step.gradients);
    factors.push_back(norm > settings.clip_norm ? settings.clip_norm / (norm + 1e-6) : 1.0);
  }
  double worst = 0;
  for (const auto& [name, start] : run.start) {
    for (size_t i = 0; i < start.size(); ++i) {
      double value = start[i];
      for (int t = 1; t <= kSteps; ++t) {
        double mean = 0, square = 0;
        for (int s = 1; s <= t; ++s) {
          const size_t at = static_cast<size_t>(s - 1);
          const double gradient = factors[at] * run.steps[at].gradients.at(name)[i];
          mean += (1 - settings.beta1) * std::pow(settings.beta1, t - s) * gradient;
          square += (1 - settings.beta2) * std::pow(settings.beta2, t - s) * gradient * gradient;
        }
        mean /= 1 - std::pow(settings.beta1, t);
        square /= 1 - std::pow(settings.beta2, t);
        const double decay = decays(name) ? settings.weight_decay : 0;
        value -= kRates[t - 1] * (mean / (std::sqrt(square) + settings.epsilon) + decay * value);
      }
      worst = std::max(worst, std::abs(value - run.end.at(name)[i]));
    }
  }
  return worst;
}

TEST(Optimizer, IsAdamWWithDecoupledDecayAsConfigured) {
  const TrainerConfig config = telling_config();
  const Trace run = run_of(config);
  for (size_t t = 0; t < kSteps; ++t) {
    EXPECT_NEAR(run.steps[t].learning_rate, kRates[t], 1e-15) << "update " << t + 1;
    EXPECT_NEAR(run.steps[t].norm, norm_of(run.steps[t].gradients), kRounding) << "the norm is of the whole model";
    EXPECT_GT(run.steps[t].norm, 2 * config.optimizer.clip_norm) << "clipping should be at work";
  }
  EXPECT_LT(distance_from_adamw(run, config.optimizer), kRounding);
}

TEST(Optimizer, EverySettingShows) {
  const Trace run = run_of(telling_config());
  const OptimizerSettings right = telling_config().optimizer;
  EXPECT_LT(distance_from_adamw(run, right), kRounding);
  OptimizerSettings other = right;
  other.beta1 = 0.9;
  EXPECT_GT(distance_from_adamw(run, other), kSeen);
  other = right;
  other.beta2 = 0.999;
  EXPECT_GT(distance_from_adamw(run, other), kSeen);
  other = right;
  other.epsilon = 1e-8;
  EXPECT_GT(distance_from_adamw(run, other), kSeen);
  other = right;
  other.weight_decay = 0.01;
  EXPECT_GT(distance_from_adamw(run, other), kSeen);
  other = right;
  other.clip_norm = 1;
  EXPECT_GT(distance_from_adamw(run, other), kSeen);
}

TEST(Optimizer, DuplicatedParametersCountedTwiceInTheNormAreSeen) {
  ParallelPolicy policy;
  policy.counts_in_norm = [](Split, int) { return true; };
  const Trace run = run_of(telling_config(), policy);
  EXPECT_GT(distance_from_adamw(run, telling_config().optimizer), kSeen);
}

TEST(Optimizer, AGradientWithinTheBoundIsNotClipped) {
  TrainerConfig config = telling_config();
  for (const double clip_norm : {0.0, 1e3}) {
    config.optimizer.clip_norm = clip_norm;
    OptimizerSettings unclipped = config.optimizer;
    unclipped.clip_norm = 1e9;
    EXPECT_LT(distance_from_adamw(run_of(config), unclipped), kRounding);
  }
}

TEST(Optimizer, DecaysMatricesAndEmbeddingsAlone) {
  // A rate so high that decay is all there is to see: with no gradient to speak of a weight shrinks by (1 - lr *
  // decay).
  TrainerConfig config = telling_config();
  config.optimizer.epsilon = 1e12;
  config.schedule = LearningRateSchedule{Decay::kConstant, 0.1, 0, 0, 1};
  const Trace run = run_of(config);
  const double shrunk = std::pow(1 - 0.1 * config.optimizer.weight_decay, kSteps);
  int num_decaying = 0;
  for (const auto& [name, start] : run.start) {
    const double factor = decays(name) ? shrunk : 1;
    num_decaying += decays(name);
    for (size_t i = 0; i < start.size(); ++i) ASSERT_NEAR(run.end.at(name)[i], factor * start[i], 1e-10) << name;
  }
  EXPECT_EQ(num_decaying, 2 + 4 * config.model.num_layers) << "both embeddings and four matrices a layer";
}

}  // namespace
}  // namespace millrace::testing
