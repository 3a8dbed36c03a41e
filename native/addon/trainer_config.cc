#include "addon/trainer_config.h"

#include <cmath>
#include <limits>
#include <set>

#include "addon/registration.h"

namespace millrace::addon {

namespace {

std::string printed(Napi::Value value) {
  if (value.IsUndefined()) return "nothing";
  return value.ToString().Utf8Value();
}

// Reads the keys of one object and, at the end, refuses those that nobody asked for: no setting is silently ignored.
class Fields {
 public:
  Fields(Napi::Env env, Napi::Value value, const char* name) : env_(env), name_(name) {
    if (!value.IsObject()) fail("an object", name, value);
    object_ = value.As<Napi::Object>();
  }

  Napi::Value get(const char* key) {
    known_.insert(key);
    return object_.Get(key);
  }

  double number(const char* key) {
    const Napi::Value value = get(key);
    if (!value.IsNumber()) fail("a number", key, value);
    return value.As<Napi::Number>().DoubleValue();
  }

  template <class Integer>
  Integer integer(const char* key, Integer least = std::numeric_limits<Integer>::min()) {
    const double value = number(key);
    constexpr double kExact = 9007199254740992.0;  // 2^53: larger whole numbers are not exact in JavaScript
    const double low = std::max(static_cast<double>(least), -kExact);
    const double high = std::min(static_cast<double>(std::numeric_limits<Integer>::max()), kExact);
    if (value != std::floor(value) || value < low || value > high)
      fail("a whole number in range", key, object_.Get(key));
    return static_cast<Integer>(value);
  }

  bool boolean(const char* key) {
    const Napi::Value value = get(key);
    if (!value.IsBoolean()) fail("true or false", key, value);
    return value.As<Napi::Boolean>().Value();
  }

  std::string string(const char* key) {
    const Napi::Value value = get(key);
    if (!value.IsString()) fail("a string", key, value);
    return value.As<Napi::String>().Utf8Value();
  }

  // Index of the string among `names`.
  int choice(const char* key, std::initializer_list<const char*> names) {
    const std::string value = string(key);
    std::string expected;
    int index = 0;
    for (const char* name : names) {
      if (value == name) return index;
      expected += (index++ > 0 ? " or " : "") + std::string(name);
    }
    fail(expected.c_str(), key, object_.Get(key));
  }

  void refuse_others() {
    const Napi::Array keys = object_.GetPropertyNames();
    for (uint32_t i = 0; i < keys.Length(); ++i) {
      const std::string key = keys.Get(i).As<Napi::String>().Utf8Value();
      if (known_.count(key) == 0) {
        throw error_of(env_, MR_INVALID_ARGUMENT, ("expected no key " + key + " in " + name_ + ", got one").c_str());
      }
    }
  }

 private:
  [[noreturn]] void fail(const char* what, const char* key, Napi::Value got) {
    const std::string message = std::string("expected ") + what + " for " + key + ", got " + printed(got);
    throw error_of(env_, MR_INVALID_ARGUMENT, message.c_str());
  }

  Napi::Env env_;
  const char* name_;
  Napi::Object object_;
  std::set<std::string> known_;
};

mr_model_config model_of(Napi::Env env, Napi::Value value) {
  Fields fields(env, value, "model");
  mr_model_config model{};
  model.num_layers = fields.integer<int32_t>("numLayers");
  model.hidden_size = fields.integer<int32_t>("hiddenSize");
  model.num_heads = fields.integer<int32_t>("numHeads");
  model.context_length = fields.integer<int32_t>("contextLength");
  model.vocab_size = fields.integer<int32_t>("vocabSize");
  model.padded_vocab_size = fields.integer<int32_t>("paddedVocabSize");
  model.gelu = static_cast<mr_gelu>(fields.choice("gelu", {"tanh", "erf"}));
  model.layernorm_epsilon = fields.number("layernormEpsilon");
  fields.refuse_others();
  return model;
}

mr_loss_scale loss_scale_of(Napi::Env env, Napi::Value value) {
  mr_loss_scale scale{};
  if (value.IsNull()) return scale;
  Fields fields(env, value, "lossScale");
  scale.initial = fields.number("initial");
  scale.minimum = fields.number("minimum");
  scale.window = fields.integer<int64_t>("window");
  scale.hysteresis = fields.integer<int64_t>("hysteresis");
  fields.refuse_others();
  return scale;
}

}  // namespace

TrainerConfigValues trainer_config_of(Napi::Env env, Napi::Value value) {
  Fields fields(env, value, "the trainer's config");
  TrainerConfigValues values;
  mr_trainer_config& config = values.config;
  config.model = model_of(env, fields.get("model"));
  values.backend = std::make_shared<std::string>(fields.string("backend"));
  values.precision = std::make_shared<std::string>(fields.string("precision"));
  config.backend = values.backend->c_str();
  config.precision = values.precision->c_str();
  config.loss_scale = loss_scale_of(env, fields.get("lossScale"));
  config.tensor_parallel = fields.integer<int32_t>("tensorParallel");
  config.data_parallel = fields.integer<int32_t>("dataParallel");
  // Threads where nothing is said.
  config.processes = !fields.get("processes").IsUndefined() && fields.boolean("processes") ? 1 : 0;
  config.threads = fields.integer<int32_t>("threads");
  config.sequence_length = fields.integer<int32_t>("sequenceLength");
  config.micro_batch = fields.integer<int32_t>("microBatch");
  config.global_batch = fields.integer<int32_t>("globalBatch");
  config.recompute = static_cast<mr_recompute>(fields.choice("recompute", {"none", "selective", "full"}));
  config.verify_parallel = fields.boolean("verifyParallel") ? 1 : 0;
  config.dropout = fields.number("dropout");
  config.seed = fields.integer<uint64_t>("seed", 0);
  config.init_std = fields.number("initStd");
  config.learning_rate = fields.number("learningRate");
  config.min_learning_rate = fields.number("minLearningRate");
  config.schedule = static_cast<mr_schedule>(fields.choice("schedule", {"cosine", "linear", "constant"}));
  config.warmup_steps = fields.integer<int64_t>("warmupSteps");
  config.decay_steps = fields.integer<int64_t>("decaySteps");
  config.beta1 = fields.number("beta1");
  config.beta2 = fields.number("beta2");
  config.epsilon = fields.number("epsilon");
  config.weight_decay = fields.number("weightDecay");
  config.clip_norm = fields.number("clipNorm");
  fields.refuse_others();
  return values;
}

}  // namespace millrace::addon
