// train-bench: training speed without Node. Random tokens, a fixed model; prints tokens/s and GFLOP/s of each step and
// their median.
//
//   train-bench --model tiny|gpt2-124m --tp N --dp N --threads N --steps N --micro-batch N --batch N --seq N
//               --backend cpu|reference --dropout P
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "millrace/trainer.h"

namespace {

struct Options {
  std::map<std::string, std::string> values = {
      {"model", "tiny"},    {"tp", "1"},    {"dp", "1"},    {"threads", "0"},   {"steps", "5"},
      {"micro-batch", "4"}, {"batch", "4"}, {"seq", "128"}, {"backend", "cpu"}, {"dropout", "0.1"}};

  bool parse(int count, char** arguments) {
    for (int i = 1; i + 1 < count; i += 2) {
      const std::string name = arguments[i];
      if (name.rfind("--", 0) != 0 || values.count(name.substr(2)) == 0) {
        std::fprintf(stderr, "expected an option of train-bench, got %s\n", arguments[i]);
        return false;
      }
      values[name.substr(2)] = arguments[i + 1];
    }
    if (count % 2 == 1) return true;
    std::fprintf(stderr, "expected a value for %s, got none\n", arguments[count - 1]);
    return false;
  }
  // Ends the program when the value is not a number: a bench that measures something else is worse than none.
  double real(const char* name) const {
    const std::string& text = values.at(name);
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (!text.empty() && *end == '\0') return value;
    std::fprintf(stderr, "expected a number for --%s, got %s\n", name, text.c_str());
    std::exit(2);
  }
  int number(const char* name) const { return static_cast<int>(real(name)); }
};

bool set_model(const std::string& name, int tensor_parallel, mr_model_config* model) {
  const bool tiny = name == "tiny";
  if (!tiny && name != "gpt2-124m") return false;
  *model = mr_model_config{};
  model->num_layers = tiny ? 4 : 12;
  model->hidden_size = tiny ? 128 : 768;
  model->num_heads = tiny ? 8 : 12;
  model->context_length = tiny ? 128 : 1024;
  model->vocab_size = 50257;
  const int unit = 128 * tensor_parallel;
  model->padded_vocab_size = (model->vocab_size + unit - 1) / unit * unit;
  model->gelu = MR_GELU_TANH;
  model->layernorm_epsilon = 1e-5;
  return true;
}

// Floating-point operations of a step that the model's products need, forward and twice that backward: 6 a weight and
// token for the matrices, and 6 * T * C a layer and token for causal attention (half of the square).
double flops_per_token(const mr_model_config& model, int time) {
  const double channels = model.hidden_size;
  const double weights = 12.0 * model.num_layers * channels * channels + channels * model.padded_vocab_size;
  return 6.0 * weights + 6.0 * model.num_layers * time * channels;
}

int fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, mr_last_error());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!options.parse(count, arguments)) return 2;
  mr_trainer_config config{};
  config.tensor_parallel = options.number("tp");
  if (config.tensor_parallel < 1 || !set_model(options.values["model"], config.tensor_parallel, &config.model)) {
    std::fprintf(stderr, "expected tiny or gpt2-124m for --model and at least 1 for --tp\n");
    return 2;
  }
  config.backend = options.values["backend"].c_str();
  config.precision = "fp32";
  config.data_parallel = options.number("dp");
  config.threads = options.number("threads");
  config.sequence_length = options.number("seq");
  config.micro_batch = options.number("micro-batch");
  config.global_batch = options.number("batch");
  config.dropout = options.real("dropout");
  config.seed = 1;
  config.init_std = 0.02;
  config.learning_rate = 1e-4;
  config.schedule = MR_SCHEDULE_CONSTANT;
  config.beta1 = 0.9;
  config.beta2 = 0.999;
  config.epsilon = 1e-8;
  config.weight_decay = 0.01;
  config.clip_norm = 1.0;

  mr_memory_plan plan;
  mr_trainer* trainer = nullptr;
  if (mr_trainer_plan(&config, &plan) != MR_OK) return fail("plan");
  if (mr_trainer_create(&config, &trainer) != MR_OK) return fail("create");
  std::printf("%s: %.1f M parameters, %.1f MB a rank\n", options.values["model"].c_str(),
              static_cast<double>(plan.num_parameters) * 1e-6, static_cast<double>(plan.total_bytes) * 1e-6);

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
