// The smallest trainer that uses everything, as the C API is told of it: two ranks on the reference backend.
#ifndef MILLRACE_TEST_NATIVE_API_CONFIG_H_
#define MILLRACE_TEST_NATIVE_API_CONFIG_H_

#include "millrace/trainer.h"

namespace millrace::testing {

inline mr_trainer_config small_api_config() {
  mr_trainer_config config{};
  config.model.num_layers = 2;
  config.model.hidden_size = 32;
  config.model.num_heads = 4;
  config.model.context_length = 16;
  config.model.vocab_size = 100;
  config.model.padded_vocab_size = 256;
  config.model.gelu = MR_GELU_TANH;
  config.model.layernorm_epsilon = 1e-5;
  config.backend = "reference";
  config.precision = "fp32";
  config.tensor_parallel = 2;
  config.data_parallel = 1;
  config.threads = 2;
  config.sequence_length = 8;
  config.micro_batch = 2;
  config.global_batch = 4;
  config.dropout = 0.1;
  config.seed = 1;
  config.init_std = 0.02;
  config.learning_rate = 1e-3;
  config.min_learning_rate = 1e-4;
  config.schedule = MR_SCHEDULE_COSINE;
  config.warmup_steps = 2;
  config.decay_steps = 100;
  config.beta1 = 0.9;
  config.beta2 = 0.999;
  config.epsilon = 1e-8;
  config.weight_decay = 0.01;
  config.clip_norm = 1.0;
  return config;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_NATIVE_API_CONFIG_H_
