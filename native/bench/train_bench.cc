// train-bench: training speed without Node. Random tokens, a fixed model; prints tokens/s and GFLOP/s of each step and
// their median.
//
//   train-bench --model tiny|gpt2-124m --tp N --dp N --threads N --steps N --micro-batch N --batch N --seq N
//               --backend cpu|reference --dropout P --recompute none|selective|full
//               --precision fp32|bf16|fp16
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "bench/bench_options.h"

namespace {

using millrace::bench::fail;
using millrace::bench::Options;

// Floating-point operations of a step that the model's products need, forward and twice that backward: 6 a weight and
// token for the matrices, and 6 * T * C a layer and token for causal attention (half of the square).
double flops_per_token(const mr_model_config& model, int time) {
  const double channels = model.hidden_size;
  const double weights = 12.0 * model.num_layers * channels * channels + channels * model.padded_vocab_size;
  return 6.0 * weights + 6.0 * model.num_layers * time * channels;
}

bool set_recompute(const std::string& name, mr_recompute* recompute) {
  if (name == "none") *recompute = MR_RECOMPUTE_NONE;
  if (name == "selective") *recompute = MR_RECOMPUTE_SELECTIVE;
  if (name == "full") *recompute = MR_RECOMPUTE_FULL;
  return name == "none" || name == "selective" || name == "full";
}

}  // namespace

int main(int count, char** arguments) {
  Options options("train-bench", {{"model", "tiny"},
                                  {"tp", "1"},
                                  {"dp", "1"},
                                  {"threads", "0"},
                                  {"steps", "5"},
                                  {"micro-batch", "4"},
                                  {"batch", "4"},
                                  {"seq", "128"},
                                  {"backend", "cpu"},
                                  {"dropout", "0.1"},
                                  {"recompute", "none"},
                                  {"precision", "fp32"}});
  if (!options.parse(count, arguments)) return 2;
  mr_trainer_config config = millrace::bench::trainer_config(options);
  config.precision = options.text("precision").c_str();
  // A scale that fits: the first steps of a real run are skipped until one is found.
  if (options.text("precision") == "fp16") config.loss_scale = mr_loss_scale{4096, 1, 1000, 2};
  config.tensor_parallel = options.number("tp");
  if (config.tensor_parallel < 1 ||
      !millrace::bench::set_model(options.text("model"), 128 * config.tensor_parallel, &config.model)) {
    std::fprintf(stderr, "expected tiny or gpt2-124m for --model and at least 1 for --tp\n");
    return 2;
  }
  if (!set_recompute(options.text("recompute"), &config.recompute)) {
    std::fprintf(stderr, "expected none, selective or full for --recompute, got %s\n",
                 options.text("recompute").c_str());
    return 2;
  }

  mr_memory_plan plan;
  mr_trainer* trainer = nullptr;
  if (mr_trainer_plan(&config, &plan) != MR_OK) return fail("plan");
  if (mr_trainer_create(&config, &trainer) != MR_OK) return fail("create");
  std::printf("%s: %.1f M parameters, %.1f MB a rank, %.1f MB of it activations\n", options.text("model").c_str(),
              static_cast<double>(plan.num_parameters) * 1e-6, static_cast<double>(plan.total_bytes) * 1e-6,
              static_cast<double>(plan.activation_bytes) * 1e-6);

  const size_t tokens_per_step = static_cast<size_t>(config.global_batch) * static_cast<size_t>(config.sequence_length);
  std::vector<int32_t> tokens(tokens_per_step + static_cast<size_t>(config.global_batch));
  std::vector<int64_t> samples(static_cast<size_t>(config.global_batch));
  uint32_t state = 12345;
  std::vector<double> rates;
  for (int step = 0; step < options.number("steps"); ++step) {
    for (int32_t& token : tokens) {
      state = state * 1664525u + 1013904223u;
      token = static_cast<int32_t>((state >> 8) % static_cast<uint32_t>(config.model.vocab_size));
    }
    for (size_t i = 0; i < samples.size(); ++i) samples[i] = step * config.global_batch + static_cast<int64_t>(i);
    mr_step_result result;
    if (mr_trainer_step(trainer, tokens.data(), samples.data(), &result) != MR_OK) return fail("step");
    rates.push_back(static_cast<double>(result.num_tokens) / result.seconds);
    std::printf("step %lld loss %.4f  %.0f tokens/s  %.1f GFLOP/s  communication %.1f %%\n",
                static_cast<long long>(result.step), result.loss, rates.back(),
                rates.back() * flops_per_token(config.model, config.sequence_length) * 1e-9,
                100.0 * result.communication_seconds / result.seconds);
  }
  if (!rates.empty()) {
    std::nth_element(rates.begin(), rates.begin() + static_cast<std::ptrdiff_t>(rates.size() / 2), rates.end());
    std::printf("median %.0f tokens/s\n", rates[rates.size() / 2]);
  }
  mr_trainer_destroy(trainer);
  return 0;
}
