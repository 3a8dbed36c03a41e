// The trainer against PyTorch: loss, every gradient and a curve of AdamW with clipping, from golden values that
// test/parity/make-gpt2-golden.py wrote in fp64.
#include <cstring>

#include "rank_group.h"
#include "train/mapped_file.h"
#include "train/safetensors.h"

namespace millrace::testing {
namespace {

class Golden {
 public:
  Golden() {
    std::string path = __FILE__;
    path = path.substr(0, path.rfind('/')) + "/../parity/golden-gpt2.safetensors";
    Status status = MappedFile::open_read(path, &file_);
    EXPECT_TRUE(status.ok()) << status.message();
    status = parse_safetensors_header(file_->data(), file_->size(), &header_);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  std::vector<double> get(const std::string& name) const {
    const SafetensorsEntry* entry = header_.find(name);
    std::vector<double> values((entry->end - entry->begin) / sizeof(double));
    std::memcpy(values.data(), file_->data() + header_.data_offset + entry->begin, entry->end - entry->begin);
    return values;
  }

 private:
  std::unique_ptr<MappedFile> file_;
  SafetensorsHeader header_;
};

// The constants of make-gpt2-golden.py.
TrainerConfig golden_config(DType dtype, int tensor_parallel) {
  TrainerConfig config;
  config.dtype = dtype;
  config.model.num_layers = 2;
  config.model.hidden_size = 16;
  config.model.num_heads = 2;
  config.model.context_length = 8;
  config.model.vocab_size = 50;
  config.model.padded_vocab_size = 64;
  config.tensor_parallel = tensor_parallel;
  config.sequence_length = 8;
  config.micro_batch = 2;
  config.global_batch = 4;
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

class Gpt2Golden : public ::testing::TestWithParam<int> {};

TEST_P(Gpt2Golden, LossAndGradientsAreThoseOfPyTorch) {
  const Golden golden;
  const TrainerConfig config = golden_config(DType::kF64, GetParam());
  RankGroup group(config, *reference_backend(DType::kF64));
  set_golden_parameters(group);
  const TestBatch batch = golden_batch(config, 1);
  group.must([&](Rank& rank) {
    double loss = 0;
    int64_t tokens = 0;
    Status status = rank.gradients(batch.tokens.data(), batch.samples.data(), 1, &loss, &tokens);
    EXPECT_NEAR(loss, golden.get("loss")[0], 1e-12);
    return status;
  });
  TensorMap expected;
  const TensorMap gradients = group.gather(&Parameter::gradient);
  for (const auto& [name, values] : gradients) expected[name] = golden.get("gradient." + name);
  EXPECT_LT(worst_difference(expected, gradients), 1e-10);
}

TEST_P(Gpt2Golden, TheErrorFunctionGeluIsThatOfPyTorch) {
  const Golden golden;
  TrainerConfig config = golden_config(DType::kF64, GetParam());
  config.model.gelu = Gelu::kErf;
  RankGroup group(config, *reference_backend(DType::kF64));
  set_golden_parameters(group);
  const StepResult result = group.step(golden_batch(config, 1));
  EXPECT_NEAR(result.loss, golden.get("loss_erf")[0], 1e-12);
  EXPECT_GT(std::abs(golden.get("loss_erf")[0] - golden.get("loss")[0]), 1e-9) << "the two forms differ";
}

TEST_P(Gpt2Golden, TheCurveOfAdamWWithClippingIsThatOfPyTorch) {
  const Golden golden;
  const std::vector<double> losses = golden.get("losses");
  const std::vector<double> norms = golden.get("norms");
  const auto compare = [&](const OpTable& ops, double tolerance) {
    const TrainerConfig config = golden_config(ops.dtype, GetParam());
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

INSTANTIATE_TEST_SUITE_P(TensorParallel, Gpt2Golden, ::testing::Values(1, 2));

}  // namespace
}  // namespace millrace::testing
