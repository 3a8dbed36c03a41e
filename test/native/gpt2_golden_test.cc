// The trainer against PyTorch: losses, every gradient and a curve of AdamW with clipping of two small models, without
// dropout and with the same masks, from golden values that test/parity/make-gpt2-golden.py wrote in fp64. In fp32 the
// measure is what PyTorch's own fp32 is off by.
#include <cstring>
#include <fstream>
#include <iterator>

#include "rank_group.h"
#include "train/safetensors.h"

namespace millrace::testing {
namespace {

// fp32 against fp64, as a multiple of PyTorch's own error of the same tensor: sums are added in another order, and a
// tensor of ten elements may be lucky in one of them.
constexpr double kTimesTorchError = 3.0;
constexpr double kLossTolerance = 1e-6;  // relative, fp32
constexpr double kF64Tolerance = 1e-12;  // of a tensor's largest value: rounding of fp64 itself

class Golden {
 public:
  Golden() {
    std::string path = __FILE__;
    path = path.substr(0, path.rfind('/')) + "/../parity/golden-gpt2.safetensors";
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    const Status status = parse_safetensors_header(bytes_.data(), bytes_.size(), &header_);
    EXPECT_TRUE(status.ok()) << path << ": " << status.message();
  }
  std::vector<double> get(const std::string& name) const {
    const SafetensorsEntry* entry = header_.find(name);
    std::vector<double> values((entry->end - entry->begin) / sizeof(double));
    std::memcpy(values.data(), bytes_.data() + header_.data_offset + entry->begin, entry->end - entry->begin);
    return values;
  }

 private:
  std::string bytes_;
  SafetensorsHeader header_;
};

struct Case {
  const char* shape;  // a key of SHAPES in make-gpt2-golden.py
  bool dropout;
  int tensor_parallel;

  std::string prefix() const { return std::string(shape) + (dropout ? ".dropout." : ".plain."); }
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.prefix() << "tp" << c.tensor_parallel; }

// The constants of make-gpt2-golden.py.
TrainerConfig golden_config(const Case& c, DType dtype) {
  TrainerConfig config;
  config.dtype = dtype;
  config.micro_batch = 1;
  if (std::strcmp(c.shape, "odd") == 0) {
    config.model.num_layers = 2;
    config.model.hidden_size = 15;
    config.model.num_heads = 3;
    config.model.context_length = 13;
    config.model.vocab_size = 61;
    config.model.padded_vocab_size = 63;
    config.sequence_length = 11;
    config.global_batch = 3;
  } else if (std::strcmp(c.shape, "long") == 0) {
    config.model.num_layers = 1;
    config.model.hidden_size = 10;
    config.model.num_heads = 2;
    config.model.context_length = 64;
    config.model.vocab_size = 37;
    config.model.padded_vocab_size = 40;
    config.sequence_length = 61;
    config.global_batch = 9;
    config.micro_batch = 9;
  } else {
    config.model.num_layers = 1;
    config.model.hidden_size = 16;
    config.model.num_heads = 4;
    config.model.context_length = 9;
    config.model.vocab_size = 50;
    config.model.padded_vocab_size = 56;
    config.model.gelu = Gelu::kErf;
    config.sequence_length = 9;
    config.global_batch = 4;
  }
  config.tensor_parallel = c.tensor_parallel;
  config.dropout = c.dropout ? 0.1f : 0.0f;
  config.seed = 7;
  config.schedule.decay = Decay::kConstant;
  config.schedule.peak = 1e-2;
  config.optimizer.weight_decay = 0.1;
  config.optimizer.clip_norm = 1.0;
  return config;
}

TestBatch golden_batch(const TrainerConfig& config, int64_t step) {
  TestBatch batch(config, step);
  for (int64_t i = 0; i < static_cast<int64_t>(batch.tokens.size()); ++i) {
    batch.tokens[static_cast<size_t>(i)] =
        static_cast<int32_t>((i * i * 3 + i * 31 + step * 17) % config.model.vocab_size);
  }
  return batch;
}

void set_golden_parameters(RankGroup& group) {
  int64_t number = 0;
  for (const Parameter& parameter : group.rank(0).model().parameters().all()) {
    const std::string& name = parameter.spec.name;
    const bool gain = name.find("ln_") != std::string::npos && name.find("weight") != std::string::npos;
    std::vector<float> values;
    for (int64_t i = 0; i < parameter.spec.num_elements(); ++i) {
      const int64_t whole = (i * 7919 + number * 104729 + 12345) % 2003 - 1001;
      values.push_back(static_cast<float>(whole) / 4096.0f + (gain ? 1.0f : 0.0f));
    }
    group.must([&](Rank& rank) { return rank.write_parameter(name, values.data()); });
    ++number;
  }
}

struct Computed {
  double loss = 0;
  TensorMap gradients;
};

Computed compute(const TrainerConfig& config, const OpTable& ops) {
  RankGroup group(config, ops);
  set_golden_parameters(group);
  const TestBatch batch = golden_batch(config, 1);
  Computed computed;
  group.must([&](Rank& rank) {
    double loss = 0;
    int64_t tokens = 0;
    Status status = rank.gradients(batch.tokens.data(), batch.samples.data(), 1, &loss, &tokens);
    if (rank.place().rank == 0) computed.loss = loss;
    return status;
  });
  computed.gradients = group.gather(&Parameter::gradient);
  return computed;
}

double error_of(const std::vector<double>& exact, const std::vector<double>& values) {
  return worst_difference({{"", exact}}, {{"", values}});
}

class Gpt2Golden : public ::testing::TestWithParam<Case> {
 protected:
  const Golden golden_;

  double golden_loss(const Case& c) const { return golden_.get(c.prefix() + "loss")[0]; }
  std::vector<double> golden_gradient(const Case& c, const std::string& name) const {
    return golden_.get(c.prefix() + "gradient." + name);
  }
};

TEST_P(Gpt2Golden, LossAndGradientsInDoubleAreThoseOfPyTorch) {
  const Case c = GetParam();
  const Computed computed = compute(golden_config(c, DType::kF64), *reference_backend(DType::kF64));
  EXPECT_NEAR(computed.loss, golden_loss(c), kF64Tolerance);
  for (const auto& [name, values] : computed.gradients) {
    EXPECT_LT(error_of(golden_gradient(c, name), values), kF64Tolerance) << name;
  }
}

TEST_P(Gpt2Golden, EachGradientInSinglePrecisionIsAsCloseAsThatOfPyTorch) {
  const Case c = GetParam();
  for (const OpTable* ops : fp32_backends()) {
    const Computed computed = compute(golden_config(c, ops->dtype), *ops);
    EXPECT_NEAR(computed.loss / golden_loss(c), 1.0, kLossTolerance) << ops->name;
    for (const auto& [name, values] : computed.gradients) {
      const double torch_error = golden_.get(c.prefix() + "torch_error." + name)[0];
      const double error = error_of(golden_gradient(c, name), values);
      EXPECT_LE(error, kTimesTorchError * torch_error)
          << ops->name << " " << name << ": PyTorch's is off by " << torch_error;
    }
  }
}

TEST_P(Gpt2Golden, AWeightThatIsOffByATenThousandthIsSeenInSinglePrecision) {
  const Case c = GetParam();
  const TrainerConfig config = golden_config(c, DType::kF32);
  RankGroup group(config, *fp32_backends().back());
  set_golden_parameters(group);
  group.nudge("h.0.mlp.up.weight", 5, 1e-4);
  const TestBatch batch = golden_batch(config, 1);
  group.must([&](Rank& rank) {
    double loss = 0;
    int64_t tokens = 0;
    return rank.gradients(batch.tokens.data(), batch.samples.data(), 1, &loss, &tokens);
  });
  for (const auto& [name, values] : group.gather(&Parameter::gradient)) {
    const double torch_error = golden_.get(c.prefix() + "torch_error." + name)[0];
    EXPECT_GT(error_of(golden_gradient(c, name), values), kTimesTorchError * torch_error) << name;
  }
}

TEST_P(Gpt2Golden, AnotherGeluOrOtherMasksAreSeen) {
  const Case c = GetParam();
  TrainerConfig other = golden_config(c, DType::kF64);
  if (c.dropout) {
    other.seed += 1;
  } else {
    other.model.gelu = other.model.gelu == Gelu::kErf ? Gelu::kTanh : Gelu::kErf;
  }
  const Computed computed = compute(other, *reference_backend(DType::kF64));
  EXPECT_GT(std::abs(computed.loss - golden_loss(c)), 1e3 * kF64Tolerance);
  for (const auto& [name, values] : computed.gradients) {
    EXPECT_GT(error_of(golden_gradient(c, name), values), 1e3 * kF64Tolerance) << name;
  }
}

TEST_P(Gpt2Golden, TheCurveOfAdamWWithClippingIsThatOfPyTorch) {
  const Case c = GetParam();
  const std::vector<double> losses = golden_.get(c.prefix() + "losses");
  const std::vector<double> norms = golden_.get(c.prefix() + "norms");
  const auto compare = [&](const OpTable& ops, double tolerance) {
    const TrainerConfig config = golden_config(c, ops.dtype);
    RankGroup group(config, ops);
    set_golden_parameters(group);
    for (size_t i = 0; i < losses.size(); ++i) {
      const StepResult result = group.step(golden_batch(config, static_cast<int64_t>(i) + 1));
      EXPECT_NEAR(result.loss, losses[i], tolerance) << ops.name << " step " << i + 1;
      EXPECT_NEAR(result.gradient_norm, norms[i], tolerance * 10) << ops.name << " step " << i + 1;
    }
  };
  compare(*reference_backend(DType::kF64), 1e-9);
  // fp32 rounding, amplified by twenty steps at learning rate 1e-2.
  for (const OpTable* ops : fp32_backends()) compare(*ops, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(ShapesAndRanks, Gpt2Golden,
                         ::testing::Values(Case{"odd", false, 1}, Case{"odd", false, 3}, Case{"odd", true, 1},
                                           Case{"odd", true, 3}, Case{"even", false, 1}, Case{"even", false, 4},
                                           Case{"even", true, 1}, Case{"even", true, 2}, Case{"long", false, 1},
                                           Case{"long", false, 2}, Case{"long", true, 1}, Case{"long", true, 2}));

}  // namespace
}  // namespace millrace::testing
