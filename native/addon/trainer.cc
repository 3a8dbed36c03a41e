// The trainer's handle for JavaScript. A call is read into plain values on the event loop, runs on a worker thread and
// settles its promise; typed arrays are held, not copied, until then (a view over a SharedArrayBuffer is read in
// place).
#include "millrace/trainer.h"

#include <napi.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "addon/registration.h"
#include "addon/trainer_call.h"
#include "addon/trainer_config.h"

namespace millrace::addon {

namespace {

Napi::Error refusal(Napi::Env env, const std::string& message) {
  return error_of(env, MR_INVALID_ARGUMENT, message.c_str());
}

}  // namespace

mr_trainer* ready(Napi::Env env, const SharedHandle& handle) {
  if (handle->trainer == nullptr) throw refusal(env, "expected a live trainer, got a destroyed one");
  if (handle->busy) throw refusal(env, "expected one call of a trainer at a time, got a second");
  return handle->trainer;
}

namespace {

void check(Napi::Env env, mr_code code) {
  if (code != MR_OK) throw error_of(env, code, mr_last_error());
}

Napi::Int32Array tokens_of(const Napi::CallbackInfo& info, size_t index) {
  if (info.Length() <= index || !info[index].IsTypedArray() ||
      info[index].As<Napi::TypedArray>().TypedArrayType() != napi_int32_array) {
    throw refusal(info.Env(), "expected an Int32Array for tokens, got something else");
  }
  return info[index].As<Napi::Int32Array>();
}

void check_length(Napi::Env env, const char* name, size_t length, int64_t wanted) {
  if (static_cast<int64_t>(length) == wanted) return;
  throw refusal(env,
                "expected " + std::to_string(wanted) + " elements for " + name + ", got " + std::to_string(length));
}

std::string string_of(const Napi::CallbackInfo& info, size_t index, const char* name) {
  if (info.Length() <= index || !info[index].IsString()) {
    throw refusal(info.Env(), std::string("expected a string for ") + name + ", got something else");
  }
  return info[index].As<Napi::String>().Utf8Value();
}

Napi::Object step_result(Napi::Env env, const mr_step_result& result) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("step", static_cast<double>(result.step));
  object.Set("loss", result.loss);
  object.Set("gradNorm", result.grad_norm);
  object.Set("learningRate", result.learning_rate);
  object.Set("lossScale", result.loss_scale);
  object.Set("numTokens", static_cast<double>(result.num_tokens));
  object.Set("skipped", Napi::Boolean::New(env, result.skipped != 0));
  object.Set("overflow", result.overflow == nullptr ? env.Null() : Napi::String::New(env, result.overflow));
  object.Set("seconds", result.seconds);
  object.Set("communicationSeconds", result.communication_seconds);
  return object;
}

struct Batch {
  Napi::Int32Array tokens;
  Napi::BigInt64Array samples;
};

// The arguments of step and submit.
Batch batch_of(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  const Napi::Env env = info.Env();
  const Napi::Int32Array tokens = tokens_of(info, 0);
  check_length(env, "tokens", tokens.ElementLength(), handle->global_batch * (handle->sequence_length + 1));
  if (info.Length() < 2 || !info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_bigint64_array) {
    throw refusal(env, "expected a BigInt64Array for samples, got something else");
  }
  const Napi::BigInt64Array samples = info[1].As<Napi::BigInt64Array>();
  check_length(env, "samples", samples.ElementLength(), handle->global_batch);
  return Batch{tokens, samples};
}

Napi::Value step(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  mr_trainer* trainer = ready(info.Env(), handle);
  const Batch batch = batch_of(info, handle);
  const auto result = std::make_shared<mr_step_result>();
  return TrainerCall::start(
      info.Env(), {handle}, {batch.tokens, batch.samples},
      [trainer, tokens = batch.tokens.Data(), samples = batch.samples.Data(), result] {
        return mr_trainer_step(trainer, tokens, samples, result.get());
      },
      [result](Napi::Env at) { return step_result(at, *result); });
}

Napi::Value submit(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  mr_trainer* trainer = ready(info.Env(), handle);
  const Batch batch = batch_of(info, handle);
  return TrainerCall::start(
      info.Env(), {handle}, {batch.tokens, batch.samples},
      [trainer, tokens = batch.tokens.Data(), samples = batch.samples.Data()] {
        return mr_trainer_submit(trainer, tokens, samples);
      },
      [](Napi::Env at) { return at.Undefined(); });
}

Napi::Value collect(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  mr_trainer* trainer = ready(info.Env(), handle);
  const auto result = std::make_shared<mr_step_result>();
  return TrainerCall::start(
      info.Env(), {handle}, {}, [trainer, result] { return mr_trainer_collect(trainer, result.get()); },
      [result](Napi::Env at) { return step_result(at, *result); });
}

Napi::Value steps_ahead(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  int32_t steps = 0;
  check(info.Env(), mr_trainer_steps_ahead(ready(info.Env(), handle), &steps));
  return Napi::Number::New(info.Env(), steps);
}

Napi::Value evaluate(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  const Napi::Env env = info.Env();
  mr_trainer* trainer = ready(env, handle);
  const double number = info.Length() > 1 && info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : -1;
  if (number < 0 || number != std::floor(number)) {
    throw refusal(env, "expected a whole number of at least 0 for numSequences, got something else");
  }
  const int64_t num_sequences = static_cast<int64_t>(number);
  const Napi::Int32Array tokens = tokens_of(info, 0);
  check_length(env, "tokens", tokens.ElementLength(), num_sequences * (handle->sequence_length + 1));
  const auto totals = std::make_shared<std::pair<double, int64_t>>();
  return TrainerCall::start(
      env, {handle}, {tokens},
      [trainer, from = tokens.Data(), num_sequences, totals] {
        return mr_trainer_evaluate(trainer, from, num_sequences, &totals->first, &totals->second);
      },
      [totals](Napi::Env at) {
        Napi::Object object = Napi::Object::New(at);
        object.Set("lossSum", totals->first);
        object.Set("numTokens", static_cast<double>(totals->second));
        return object;
      });
}

Napi::Value logits(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  const Napi::Env env = info.Env();
  mr_trainer* trainer = ready(env, handle);
  const Napi::Int32Array tokens = tokens_of(info, 0);
  Napi::Float32Array out = Napi::Float32Array::New(env, static_cast<size_t>(handle->vocab_size));
  const auto held = std::make_shared<Napi::ObjectReference>(Napi::Persistent(out.As<Napi::Object>()));
  return TrainerCall::start(
      env, {handle}, {tokens, out},
      [trainer, from = tokens.Data(), length = static_cast<int64_t>(tokens.ElementLength()), to = out.Data()] {
        return mr_trainer_logits(trainer, from, length, to);
      },
      [held](Napi::Env) { return held->Value(); });
}

// save and load.
Napi::Value with_path(const Napi::CallbackInfo& info, const SharedHandle& handle,
                      mr_code (*call)(mr_trainer*, const char*)) {
  mr_trainer* trainer = ready(info.Env(), handle);
  return TrainerCall::start(
      info.Env(), {handle}, {},
      [trainer, call, path = string_of(info, 0, "path")] { return call(trainer, path.c_str()); },
      [](Napi::Env at) { return at.Undefined(); });
}

Napi::Value step_count(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  int64_t steps = 0;
  check(info.Env(), mr_trainer_step_count(ready(info.Env(), handle), &steps));
  return Napi::Number::New(info.Env(), static_cast<double>(steps));
}

Napi::Value tensors(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  const Napi::Env env = info.Env();
  const mr_trainer* trainer = ready(env, handle);
  int64_t count = 0;
  check(env, mr_trainer_tensor_count(trainer, &count));
  Napi::Array list = Napi::Array::New(env, static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    int64_t rows = 0, columns = 0;
    check(env, mr_trainer_tensor_info(trainer, i, &name, &rows, &columns));
    Napi::Object tensor = Napi::Object::New(env);
    tensor.Set("name", name);
    tensor.Set("rows", static_cast<double>(rows));
    tensor.Set("columns", static_cast<double>(columns));
    list.Set(static_cast<uint32_t>(i), tensor);
  }
  return list;
}

// Elements of the named tensor; 0 when there is none, which the C API then refuses.
size_t elements_of(Napi::Env env, const mr_trainer* trainer, const std::string& wanted) {
  int64_t count = 0;
  check(env, mr_trainer_tensor_count(trainer, &count));
  for (int64_t i = 0; i < count; ++i) {
    const char* name = nullptr;
    int64_t rows = 0, columns = 0;
    check(env, mr_trainer_tensor_info(trainer, i, &name, &rows, &columns));
    if (wanted == name) return static_cast<size_t>(rows * columns);
  }
  return 0;
}

Napi::Value read_tensor(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  const Napi::Env env = info.Env();
  mr_trainer* trainer = ready(env, handle);
  const std::string kind = string_of(info, 0, "kind");
  const std::string name = string_of(info, 1, "name");
  Napi::Float32Array out = Napi::Float32Array::New(env, elements_of(env, trainer, name));
  float none = 0;
  float* to = out.ElementLength() > 0 ? out.Data() : &none;
  check(env, mr_trainer_read_tensor(trainer, kind.c_str(), name.c_str(), to, out.ElementLength()));
  return out;
}

Napi::Value write_parameter(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  const Napi::Env env = info.Env();
  mr_trainer* trainer = ready(env, handle);
  const std::string name = string_of(info, 0, "name");
  if (info.Length() < 2 || !info[1].IsTypedArray() ||
      info[1].As<Napi::TypedArray>().TypedArrayType() != napi_float32_array) {
    throw refusal(env, "expected a Float32Array for values, got something else");
  }
  const Napi::Float32Array values = info[1].As<Napi::Float32Array>();
  check(env, mr_trainer_write_parameter(trainer, name.c_str(), values.Data(), values.ElementLength()));
  return env.Undefined();
}

Napi::Value destroy(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  if (handle->busy) throw refusal(info.Env(), "expected no call in progress for destroy, got one");
  mr_trainer_destroy(handle->trainer);
  handle->trainer = nullptr;
  handle->status_page.Reset();
  return info.Env().Undefined();
}

Napi::Value create_trainer(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  TrainerConfigValues values = trainer_config_of(env, info.Length() > 0 ? info[0] : env.Undefined());
  const auto handle = std::make_shared<TrainerHandle>();
  if (info.Length() > 1 && info[1].IsArrayBuffer()) {
    Napi::ArrayBuffer page = info[1].As<Napi::ArrayBuffer>();
    values.config.status_page = page.Data();
    values.config.status_page_bytes = page.ByteLength();
    handle->status_page = Napi::Persistent(info[1]);
  } else if (info.Length() > 1 && !info[1].IsNull() && !info[1].IsUndefined()) {
    throw refusal(env, "expected an ArrayBuffer or null for statusPage, got something else");
  }
  handle->global_batch = values.config.global_batch;
  handle->sequence_length = values.config.sequence_length;
  handle->vocab_size = values.config.model.vocab_size;
  check(env, mr_trainer_create(&values.config, &handle->trainer));

  Napi::Object trainer = Napi::Object::New(env);
  const auto method = [&](const char* name, Napi::Value (*body)(const Napi::CallbackInfo&, const SharedHandle&)) {
    trainer.Set(name, Napi::Function::New(
                          env, [handle, body](const Napi::CallbackInfo& call) { return body(call, handle); }, name));
  };
  method("step", step);
  method("submit", submit);
  method("collect", collect);
  method("stepsAhead", steps_ahead);
  method("evaluate", evaluate);
  method("logits", logits);
  method("save",
         [](const Napi::CallbackInfo& call, const SharedHandle& at) { return with_path(call, at, mr_trainer_save); });
  method("load",
         [](const Napi::CallbackInfo& call, const SharedHandle& at) { return with_path(call, at, mr_trainer_load); });
  method("createSnapshot", create_snapshot);
  method("stepCount", step_count);
  method("tensors", tensors);
  method("readTensor", read_tensor);
  method("writeParameter", write_parameter);
  method("destroy", destroy);
  return trainer;
}

Napi::Value plan_training(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const TrainerConfigValues values = trainer_config_of(env, info.Length() > 0 ? info[0] : env.Undefined());
  mr_memory_plan plan;
  check(env, mr_trainer_plan(&values.config, &plan));
  Napi::Object object = Napi::Object::New(env);
  object.Set("parameterBytes", static_cast<double>(plan.parameter_bytes));
  object.Set("gradientBytes", static_cast<double>(plan.gradient_bytes));
  object.Set("optimizerBytes", static_cast<double>(plan.optimizer_bytes));
  object.Set("activationBytes", static_cast<double>(plan.activation_bytes));
  object.Set("totalBytes", static_cast<double>(plan.total_bytes));
  object.Set("snapshotBytes", static_cast<double>(plan.snapshot_bytes));
  object.Set("numParameters", static_cast<double>(plan.num_parameters));
  return object;
}

Napi::Value backends(const Napi::CallbackInfo& info) {
  Napi::Array list = Napi::Array::New(info.Env());
  uint32_t count = 0;
  for (const char* name : {"cpu", "reference"}) {
    if (mr_backend_available(name) != 0) list.Set(count++, Napi::String::New(info.Env(), name));
  }
  return list;
}

// backendReason(backend: string): string
Napi::Value backend_reason(const Napi::CallbackInfo& info) {
  const std::string name = string_of(info, 0, "backend");
  return Napi::String::New(info.Env(), mr_backend_reason(name.c_str()));
}

}  // namespace

void register_trainer(Napi::Env env, Napi::Object exports) {
  exports.Set("backends", Napi::Function::New(env, backends, "backends"));
  exports.Set("backendReason", Napi::Function::New(env, backend_reason, "backendReason"));
  exports.Set("planTraining", Napi::Function::New(env, plan_training, "planTraining"));
  exports.Set("createTrainer", Napi::Function::New(env, create_trainer, "createTrainer"));
}

}  // namespace millrace::addon
