#include "api/trainer_config.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <thread>

#include "api/backend.h"
#include "api/processes.h"

namespace millrace {

namespace {

std::string text(int64_t value) { return std::to_string(value); }

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof(buffer), "%g", value);
  return buffer;
}

Status expected(const std::string& what, const char* name, const std::string& got) {
  return invalid_argument("expected " + what + " for " + name + ", got " + got);
}

Status at_least(int64_t least, const char* name, int64_t value) {
  return value >= least ? ok() : expected("at least " + text(least), name, text(value));
}

Status at_most(int64_t most, const std::string& why, const char* name, int64_t value) {
  return value <= most ? ok() : expected("at most " + text(most) + " (" + why + ")", name, text(value));
}

Status multiple_of(int64_t unit, const std::string& why, const char* name, int64_t value) {
  return value % unit == 0 ? ok() : expected("a multiple of " + text(unit) + " (" + why + ")", name, text(value));
}

// Not NaN, not infinite, in [low, high) or, with no upper bound, at least low.
Status in_range(double low, double high, const char* name, double value) {
  if (std::isfinite(value) && value >= low && value < high) return ok();
  const bool bounded = high != std::numeric_limits<double>::infinity();
  return expected(bounded ? "a number in [" + text(low) + ", " + text(high) + ")" : "a number of at least " + text(low),
                  name, text(value));
}

// A caller in C may have put any number there; reading it as the enumeration would then be undefined.
template <class Enum>
int64_t enum_value(const Enum& value) {
  uint32_t number = 0;
  static_assert(sizeof(value) == sizeof(number));
  std::memcpy(&number, &value, sizeof(number));
  return number;
}

constexpr double kNoBound = std::numeric_limits<double>::infinity();

// Sizes that are sound one by one may give a model whose elements, or bytes, 64 bits cannot count.
Status check_size(const mr_model_config& model) {
  constexpr double kMostParameters = 0x1p56;
  const double channels = model.hidden_size;
  const double rows = static_cast<double>(model.padded_vocab_size) + model.context_length;
  const double parameters = 12.0 * model.num_layers * channels * channels + rows * channels;
  return parameters <= kMostParameters ? ok() : expected("at most 2^56 parameters", "model", text(parameters));
}

Status check_model(const mr_model_config& model, int64_t tensor_parallel) {
  MR_RETURN_IF_ERROR(at_least(1, "num_layers", model.num_layers));
  MR_RETURN_IF_ERROR(at_least(1, "hidden_size", model.hidden_size));
  MR_RETURN_IF_ERROR(at_least(1, "num_heads", model.num_heads));
  MR_RETURN_IF_ERROR(multiple_of(model.num_heads, "num_heads", "hidden_size", model.hidden_size));
  MR_RETURN_IF_ERROR(
      multiple_of(tensor_parallel, "tensor_parallel: heads are split whole", "num_heads", model.num_heads));
  MR_RETURN_IF_ERROR(at_least(1, "context_length", model.context_length));
  MR_RETURN_IF_ERROR(at_least(1, "vocab_size", model.vocab_size));
  MR_RETURN_IF_ERROR(at_least(model.vocab_size, "padded_vocab_size", model.padded_vocab_size));
  MR_RETURN_IF_ERROR(
      multiple_of(128 * tensor_parallel, "128 * tensor_parallel", "padded_vocab_size", model.padded_vocab_size));
  const int64_t gelu = enum_value(model.gelu);
  if (gelu != MR_GELU_TANH && gelu != MR_GELU_ERF) return expected("tanh (0) or erf (1)", "gelu", text(gelu));
  if (!(model.layernorm_epsilon > 0)) {
    return expected("a positive number", "layernorm_epsilon", text(model.layernorm_epsilon));
  }
  MR_RETURN_IF_ERROR(in_range(0, 1, "layernorm_epsilon", model.layernorm_epsilon));
  return check_size(model);
}

Status check_batch(const mr_trainer_config& from) {
  MR_RETURN_IF_ERROR(at_least(1, "sequence_length", from.sequence_length));
  MR_RETURN_IF_ERROR(at_most(from.model.context_length, "context_length", "sequence_length", from.sequence_length));
  MR_RETURN_IF_ERROR(at_least(1, "micro_batch", from.micro_batch));
  MR_RETURN_IF_ERROR(at_least(1, "global_batch", from.global_batch));
  return multiple_of(int64_t{from.micro_batch} * from.data_parallel, "micro_batch * data_parallel", "global_batch",
                     from.global_batch);
}

ModelConfig model_of(const mr_model_config& from) {
  ModelConfig model;
  model.num_layers = from.num_layers;
  model.hidden_size = from.hidden_size;
  model.num_heads = from.num_heads;
  model.context_length = from.context_length;
  model.vocab_size = from.vocab_size;
  model.padded_vocab_size = from.padded_vocab_size;
  model.gelu = from.gelu == MR_GELU_ERF ? Gelu::kErf : Gelu::kTanh;
  model.layernorm_epsilon = from.layernorm_epsilon;
  return model;
}

// Sums to verify have the order of a fixed number of shards, which ranks hold whole.
Status check_verify(const mr_trainer_config& from) {
  if (from.verify_parallel != 0 && from.verify_parallel != 1) {
    return expected("0 or 1", "verify_parallel", text(int64_t{from.verify_parallel}));
  }
  if (from.verify_parallel == 0) return ok();
  const int64_t shards = verify_shards(model_of(from.model));
  if (shards % from.tensor_parallel != 0) {
    return expected("a divisor of " + text(shards) + " (the shards that num_heads = " +
                        text(int64_t{from.model.num_heads}) + " gives verify_parallel)",
                    "tensor_parallel", text(int64_t{from.tensor_parallel}));
  }
  return multiple_of(128 * shards, "128 * the shards of verify_parallel", "padded_vocab_size",
                     from.model.padded_vocab_size);
}

bool is_power_of_two(double value) {
  int exponent = 0;
  return std::isfinite(value) && std::frexp(value, &exponent) == 0.5;
}

Status read_loss_scale(const mr_loss_scale& from, DType dtype, LossScaleSettings* out) {
  const bool given = from.initial != 0 || from.minimum != 0 || from.window != 0 || from.hysteresis != 0;
  *out = LossScaleSettings{};
  out->dynamic = dtype == DType::kF16;
  if (!given) return ok();
  if (!out->dynamic) return expected("nothing but with precision fp16", "loss_scale", "one");
  if (!is_power_of_two(from.minimum)) return expected("a power of two", "loss_scale.minimum", text(from.minimum));
  if (!is_power_of_two(from.initial)) return expected("a power of two", "loss_scale.initial", text(from.initial));
  if (from.minimum > from.initial) {
    return expected("at most loss_scale.initial (" + text(from.initial) + ")", "loss_scale.minimum",
                    text(from.minimum));
  }
  MR_RETURN_IF_ERROR(at_least(1, "loss_scale.window", from.window));
  MR_RETURN_IF_ERROR(at_least(1, "loss_scale.hysteresis", from.hysteresis));
  out->initial = from.initial;
  out->minimum = from.minimum;
  out->window = from.window;
  out->hysteresis = from.hysteresis;
  return ok();
}

Status check_recompute(const mr_trainer_config& from) {
  const int64_t recompute = enum_value(from.recompute);
  if (recompute >= MR_RECOMPUTE_NONE && recompute <= MR_RECOMPUTE_FULL) return ok();
  return expected("none (0), selective (1) or full (2)", "recompute", text(recompute));
}

Status check_optimizer(const mr_trainer_config& from) {
  // The float it becomes must be below 1 too: 1 / (1 - p) is a factor.
  MR_RETURN_IF_ERROR(in_range(0, 1, "dropout", static_cast<double>(static_cast<float>(from.dropout))));
  MR_RETURN_IF_ERROR(in_range(0, kNoBound, "init_std", from.init_std));
  MR_RETURN_IF_ERROR(in_range(0, kNoBound, "learning_rate", from.learning_rate));
  MR_RETURN_IF_ERROR(in_range(0, kNoBound, "min_learning_rate", from.min_learning_rate));
  if (from.min_learning_rate > from.learning_rate) {
    return expected("at most learning_rate (" + text(from.learning_rate) + ")", "min_learning_rate",
                    text(from.min_learning_rate));
  }
  const int64_t schedule = enum_value(from.schedule);
  if (schedule < MR_SCHEDULE_COSINE || schedule > MR_SCHEDULE_CONSTANT) {
    return expected("cosine (0), linear (1) or constant (2)", "schedule", text(schedule));
  }
  MR_RETURN_IF_ERROR(at_least(0, "warmup_steps", from.warmup_steps));
  if (from.schedule != MR_SCHEDULE_CONSTANT) {
    MR_RETURN_IF_ERROR(at_least(std::max<int64_t>(1, from.warmup_steps), "decay_steps", from.decay_steps));
  }
  MR_RETURN_IF_ERROR(in_range(0, 1, "beta1", from.beta1));
  MR_RETURN_IF_ERROR(in_range(0, 1, "beta2", from.beta2));
  if (!(from.epsilon > 0)) return expected("a positive number", "epsilon", text(from.epsilon));
  MR_RETURN_IF_ERROR(in_range(0, kNoBound, "epsilon", from.epsilon));
  MR_RETURN_IF_ERROR(in_range(0, kNoBound, "weight_decay", from.weight_decay));
  return in_range(0, kNoBound, "clip_norm", from.clip_norm);
}

Status check_ranks(const mr_trainer_config& from) {
  // More ranks than this in one process is a slip of the hand.
  constexpr int64_t kMostRanks = 1024;
  MR_RETURN_IF_ERROR(at_least(1, "tensor_parallel", from.tensor_parallel));
  MR_RETURN_IF_ERROR(at_least(1, "data_parallel", from.data_parallel));
  MR_RETURN_IF_ERROR(at_most(kMostRanks, "ranks of one process", "tensor_parallel", from.tensor_parallel));
  MR_RETURN_IF_ERROR(
      at_most(kMostRanks / from.tensor_parallel, "ranks of one process", "data_parallel", from.data_parallel));
  return at_least(0, "threads", from.threads);
}

Decay decay_of(mr_schedule schedule) {
  switch (schedule) {
    case MR_SCHEDULE_LINEAR:
      return Decay::kLinear;
    case MR_SCHEDULE_CONSTANT:
      return Decay::kConstant;
    case MR_SCHEDULE_COSINE:
      break;
  }
  return Decay::kCosine;
}

Recompute recompute_of(mr_recompute recompute) {
  switch (recompute) {
    case MR_RECOMPUTE_SELECTIVE:
      return Recompute::kSelective;
    case MR_RECOMPUTE_FULL:
      return Recompute::kFull;
    case MR_RECOMPUTE_NONE:
      break;
  }
  return Recompute::kNone;
}

Status read_dtype(const mr_trainer_config& from, DType* out) {
  const std::string_view backend = from.backend == nullptr ? "nothing" : from.backend;
  const std::string_view precision = from.precision == nullptr ? "nothing" : from.precision;
  if (backend != "cpu" && backend != "reference" && backend != "cuda") {
    return expected("cpu, reference or cuda", "backend", std::string(backend));
  }
  if (precision == "fp64" && backend == "reference") {
    *out = DType::kF64;
  } else if (precision == "fp32" || (precision == "tf32" && backend == "cuda")) {
    *out = DType::kF32;
  } else if (precision == "bf16") {
    *out = DType::kBF16;
  } else if (precision == "fp16") {
    *out = DType::kF16;
  } else {
    const char* names = backend == "reference" ? "fp32, bf16, fp16 or fp64"
                        : backend == "cuda"    ? "fp32, tf32, bf16 or fp16"
                                               : "fp32, bf16 or fp16";
    return expected(names, "precision", std::string(precision));
  }
  return ok();
}

// Whose the ranks are, and how many threads each has.
Status read_processes(const mr_trainer_config& from, TrainerConfig* out) {
  if (from.processes != 0 && from.processes != 1) return expected("0 or 1", "processes", text(int64_t{from.processes}));
  out->processes = from.processes != 0;
  int ranks_here = out->world();
  if (out->processes) {
    mr_process process;
    MR_RETURN_IF_ERROR(find_process(&process));
    if (process.num_ranks != out->world()) {
      return expected("tensor_parallel * data_parallel = " + text(int64_t{out->world()}), "the number of processes",
                      text(int64_t{process.num_ranks}));
    }
    ranks_here = process.num_local_ranks;
  }
  out->threads_per_rank =
      std::max(1, from.threads > 0 ? from.threads / out->world()
                                   : static_cast<int>(std::thread::hardware_concurrency()) / ranks_here);
  return ok();
}

}  // namespace

Status find_backend(const mr_trainer_config& from, const OpTable** out) {
  DType dtype = DType::kF32;
  MR_RETURN_IF_ERROR(read_dtype(from, &dtype));
  return find_backend(from.backend, dtype, out);
}

Status read_trainer_config(const mr_trainer_config& from, TrainerConfig* out) {
  TrainerConfig config;
  MR_RETURN_IF_ERROR(read_dtype(from, &config.dtype));
  config.tf32 = std::string_view(from.precision) == "tf32";
  MR_RETURN_IF_ERROR(read_loss_scale(from.loss_scale, config.dtype, &config.loss_scale));
  MR_RETURN_IF_ERROR(check_ranks(from));
  MR_RETURN_IF_ERROR(check_model(from.model, from.tensor_parallel));
  MR_RETURN_IF_ERROR(check_batch(from));
  MR_RETURN_IF_ERROR(check_recompute(from));
  MR_RETURN_IF_ERROR(check_verify(from));
  MR_RETURN_IF_ERROR(check_optimizer(from));
  config.model = model_of(from.model);
  config.tensor_parallel = from.tensor_parallel;
  config.data_parallel = from.data_parallel;
  MR_RETURN_IF_ERROR(read_processes(from, &config));
  config.sequence_length = from.sequence_length;
  config.micro_batch = from.micro_batch;
  config.global_batch = from.global_batch;
  config.recompute = recompute_of(from.recompute);
  config.verify_parallel = from.verify_parallel != 0;
  config.dropout = static_cast<float>(from.dropout);
  config.seed = from.seed;
  config.init_std = from.init_std;
  config.schedule.decay = decay_of(from.schedule);
  config.schedule.peak = from.learning_rate;
  config.schedule.floor = from.min_learning_rate;
  config.schedule.warmup_steps = from.warmup_steps;
  config.schedule.decay_steps = from.decay_steps;
  config.optimizer = OptimizerSettings{from.beta1, from.beta2, from.epsilon, from.weight_decay, from.clip_norm};
  *out = config;
  return ok();
}

}  // namespace millrace
