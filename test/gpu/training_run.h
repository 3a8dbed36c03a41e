// Training runs of gpu-check: small models through the C API, what came of them and how far two are apart.
#ifndef MILLRACE_TEST_GPU_TRAINING_RUN_H_
#define MILLRACE_TEST_GPU_TRAINING_RUN_H_

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "gpu_check.h"
#include "learnable_text.h"
#include "millrace/trainer.h"

namespace millrace::testing {

inline Status last_error(mr_code code) { return Status(code, mr_last_error()); }

#define MR_RETURN_IF_CODE(call)                                   \
  do {                                                            \
    const mr_code mr_code_value = (call);                         \
    if (mr_code_value != MR_OK) return last_error(mr_code_value); \
  } while (false)

// A small model that 8 ranks can share; on a GPU with heads of a size that tensor cores take.
inline mr_trainer_config small_config(const CheckOptions& options, const char* precision) {
  mr_trainer_config config{};
  config.model.num_layers = 2;
  config.model.hidden_size = options.quick ? 32 : 128;
  config.model.num_heads = 8;
  config.model.context_length = options.quick ? 16 : 64;
  config.model.vocab_size = 200;
  config.model.padded_vocab_size = 1024;
  config.model.gelu = MR_GELU_TANH;
  config.model.layernorm_epsilon = 1e-5;
  config.backend = options.backend.c_str();
  config.precision = precision;
  config.tensor_parallel = 1;
  config.data_parallel = 1;
  config.threads = 0;
  config.sequence_length = options.quick ? 12 : 60;
  config.micro_batch = 2;
  config.global_batch = 4;
  config.dropout = 0.1;
  config.seed = 7;
  config.init_std = 0.02;
  config.learning_rate = 1.5e-4;
  config.schedule = MR_SCHEDULE_CONSTANT;
  config.beta1 = 0.9;
  config.beta2 = 0.999;
  config.epsilon = 1e-8;
  config.weight_decay = 0.01;
  config.clip_norm = 1.0;
  if (std::string(precision) == "fp16") config.loss_scale = mr_loss_scale{1024, 1, 1000, 2};
  return config;
}

// What the device is compared with: the fast CPU backend, or the reference where there is no BLAS library.
inline const char* host_backend() { return mr_backend_available("cpu") != 0 ? "cpu" : "reference"; }

inline mr_trainer_config on_host(mr_trainer_config config) {
  config.backend = host_backend();
  return config;
}

struct Batch : LearnableText {
  Batch(const mr_trainer_config& config, int64_t step)
      : LearnableText(config.global_batch, config.sequence_length, config.model.vocab_size, step) {}
};

using Tensors = std::map<std::string, std::vector<float>>;

class Trainer {
 public:
  ~Trainer() { mr_trainer_destroy(handle_); }
  Trainer() = default;
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  Status create(const mr_trainer_config& config) {
    config_ = config;
    MR_RETURN_IF_CODE(mr_trainer_create(&config_, &handle_));
    return ok();
  }
  Status step(int64_t number, mr_step_result* out) {
    const Batch batch(config_, number);
    MR_RETURN_IF_CODE(mr_trainer_step(handle_, batch.tokens.data(), batch.samples.data(), out));
    return ok();
  }
  Status train(int steps, std::vector<double>* losses) {
    for (int step = 1; step <= steps; ++step) {
      mr_step_result result;
      MR_RETURN_IF_ERROR(this->step(step, &result));
      losses->push_back(result.loss);
    }
    return ok();
  }
  Status read(const char* kind, Tensors* out) {
    int64_t count = 0;
    MR_RETURN_IF_CODE(mr_trainer_tensor_count(handle_, &count));
    for (int64_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      int64_t rows = 0, columns = 0;
      MR_RETURN_IF_CODE(mr_trainer_tensor_info(handle_, i, &name, &rows, &columns));
      std::vector<float>& values = (*out)[name];
      values.resize(static_cast<size_t>(rows * columns));
      MR_RETURN_IF_CODE(mr_trainer_read_tensor(handle_, kind, name, values.data(), values.size()));
    }
    return ok();
  }
  Status evaluate(double* loss) {
    const Batch batch(config_, 1000);
    double sum = 0;
    int64_t tokens = 0;
    MR_RETURN_IF_CODE(mr_trainer_evaluate(handle_, batch.tokens.data(), config_.global_batch, &sum, &tokens));
    *loss = sum / static_cast<double>(tokens);
    return ok();
  }
  Status save(const std::string& path) {
    MR_RETURN_IF_CODE(mr_trainer_save(handle_, path.c_str()));
    return ok();
  }
  Status load(const std::string& path) {
    MR_RETURN_IF_CODE(mr_trainer_load(handle_, path.c_str()));
    return ok();
  }

 private:
  mr_trainer_config config_{};
  mr_trainer* handle_ = nullptr;
};

struct Outcome {
  std::vector<double> losses;
  Tensors parameters, gradients;  // after the last step
};

inline Status run_training(const mr_trainer_config& config, int steps, Outcome* out) {
  Trainer trainer;
  MR_RETURN_IF_ERROR(trainer.create(config));
  MR_RETURN_IF_ERROR(trainer.train(steps, &out->losses));
  MR_RETURN_IF_ERROR(trainer.read("parameter", &out->parameters));
  return trainer.read("gradient", &out->gradients);
}

struct Difference {
  double value = 0;
  std::string tensor;
};

// The largest difference over the largest value, of the worst tensor.
inline Difference worst_difference(const Tensors& expected, const Tensors& actual) {
  Difference worst;
  for (const auto& [name, values] : expected) {
    const std::vector<float>& other = actual.at(name);
    double difference = 0, largest = 1e-30;
    for (size_t i = 0; i < values.size(); ++i) {
      difference = std::max(difference, std::abs(static_cast<double>(values[i]) - static_cast<double>(other[i])));
      largest = std::max(largest, std::abs(static_cast<double>(values[i])));
      if (other[i] != other[i]) difference = INFINITY;
    }
    if (difference / largest > worst.value) worst = {difference / largest, name};
  }
  return worst;
}

inline double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference == difference ? difference : INFINITY;
  }
  return largest;
}

// The number of losses and tensors whose bits differ.
inline double num_different(const Outcome& a, const Outcome& b) {
  double count = std::memcmp(a.losses.data(), b.losses.data(), a.losses.size() * sizeof(double)) == 0 ? 0 : 1;
  for (const auto& [name, values] : a.parameters) {
    const std::vector<float>& other = b.parameters.at(name);
    count += std::memcmp(values.data(), other.data(), values.size() * sizeof(float)) == 0 ? 0 : 1;
  }
  return count;
}

inline std::string curve_note(const std::vector<double>& losses) {
  char text[96];
  std::snprintf(text, sizeof(text), "%zu steps, loss %.4f to %.4f", losses.size(), losses.front(), losses.back());
  return text;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_TRAINING_RUN_H_
