// What the trainer's benches share: options by name, models by name and the configuration both begin with.
#ifndef MILLRACE_BENCH_BENCH_OPTIONS_H_
#define MILLRACE_BENCH_BENCH_OPTIONS_H_

#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "millrace/trainer.h"

namespace millrace::bench {

// "--name value" pairs over defaults.
class Options {
 public:
  Options(const char* program, std::map<std::string, std::string> defaults)
      : program_(program), values_(std::move(defaults)) {}

  // Another name of an option.
  void alias(const std::string& name, const std::string& option) { aliases_[name] = option; }

  bool parse(int count, char** arguments) {
    for (int i = 1; i + 1 < count; i += 2) {
      std::string name = arguments[i];
      name = name.rfind("--", 0) == 0 ? name.substr(2) : "";
      if (aliases_.count(name) != 0) name = aliases_.at(name);
      if (values_.count(name) == 0) {
        std::fprintf(stderr, "expected an option of %s, got %s\n", program_, arguments[i]);
        return false;
      }
      values_[name] = arguments[i + 1];
    }
    if (count % 2 == 1) return true;
    std::fprintf(stderr, "expected a value for %s, got none\n", arguments[count - 1]);
    return false;
  }
  const std::string& text(const char* name) const { return values_.at(name); }
  // Ends the program when the value is not a number: a bench that measures something else is worse than none.
  double real(const char* name) const {
    const std::string& value = values_.at(name);
    char* end = nullptr;
    const double number = std::strtod(value.c_str(), &end);
    if (!value.empty() && *end == '\0') return number;
    std::fprintf(stderr, "expected a number for --%s, got %s\n", name, value.c_str());
    std::exit(2);
  }
  int number(const char* name) const { return static_cast<int>(real(name)); }

 private:
  const char* program_;
  std::map<std::string, std::string> values_;
  std::map<std::string, std::string> aliases_;
};

// By the names of src/models/config.ts. vocab_unit: what the padded vocabulary is a multiple of.
inline bool set_model(const std::string& name, int vocab_unit, mr_model_config* model) {
  struct Named {
    const char* name;
    int num_layers, hidden_size, num_heads, context_length;
  };
  constexpr Named kModels[] = {{"tiny", 4, 128, 8, 128},
                               {"gpt2-124m", 12, 768, 12, 1024},
                               {"gpt2-355m", 24, 1024, 16, 1024},
                               {"gpt2-1.2b", 40, 1536, 16, 1024}};
  for (const Named& known : kModels) {
    if (name != known.name) continue;
    *model = mr_model_config{};
    model->num_layers = known.num_layers;
    model->hidden_size = known.hidden_size;
    model->num_heads = known.num_heads;
    model->context_length = known.context_length;
    model->vocab_size = 50257;
    model->padded_vocab_size = (model->vocab_size + vocab_unit - 1) / vocab_unit * vocab_unit;
    model->gelu = MR_GELU_TANH;
    model->layernorm_epsilon = 1e-5;
    return true;
  }
  return false;
}

// Reads --backend, --dp, --threads, --seq, --micro-batch, --batch and --dropout; fp32, AdamW with the paper's clipping.
inline mr_trainer_config trainer_config(const Options& options) {
  mr_trainer_config config{};
  config.backend = options.text("backend").c_str();
  config.precision = "fp32";
  config.tensor_parallel = 1;
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
  return config;
}

inline int fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, mr_last_error());
  return 1;
}

}  // namespace millrace::bench

#endif  // MILLRACE_BENCH_BENCH_OPTIONS_H_
