// Snapshots for JavaScript: taken between two steps, written on a worker thread while the trainer steps on. And the
// checksum of checkpoints, for who reads one without a trainer.
#include "millrace/checkpoint.h"

#include <napi.h>

#include <memory>
#include <string>

#include "addon/registration.h"
#include "addon/trainer_call.h"

namespace millrace::addon {

namespace {

using SharedSnapshot = std::shared_ptr<SnapshotHandle>;

Napi::Error refusal(Napi::Env env, const std::string& message) {
  return error_of(env, MR_INVALID_ARGUMENT, message.c_str());
}

mr_snapshot* ready(Napi::Env env, const SharedSnapshot& handle) {
  if (handle->snapshot == nullptr) throw refusal(env, "expected a live snapshot, got a destroyed one");
  if (handle->busy) throw refusal(env, "expected one call of a snapshot at a time, got a second");
  return handle->snapshot;
}

Napi::Value take(Napi::Env env, const SharedSnapshot& handle, const SharedHandle& of) {
  mr_snapshot* snapshot = ready(env, handle);
  mr_trainer* trainer = addon::ready(env, of);
  return TrainerCall::start(
      env, {handle, of}, {}, [snapshot, trainer] { return mr_snapshot_take(snapshot, trainer); },
      [](Napi::Env at) { return at.Undefined(); });
}

Napi::Value write(const Napi::CallbackInfo& info, const SharedSnapshot& handle) {
  const mr_snapshot* snapshot = ready(info.Env(), handle);
  if (info.Length() < 1 || !info[0].IsString()) {
    throw refusal(info.Env(), "expected a string for path, got something else");
  }
  return TrainerCall::start(
      info.Env(), {handle}, {},
      [snapshot, path = info[0].As<Napi::String>().Utf8Value()] { return mr_snapshot_write(snapshot, path.c_str()); },
      [](Napi::Env at) { return at.Undefined(); });
}

Napi::Value destroy(const Napi::CallbackInfo& info, const SharedSnapshot& handle) {
  if (handle->busy) throw refusal(info.Env(), "expected no call in progress for destroy, got one");
  mr_snapshot_destroy(handle->snapshot);
  handle->snapshot = nullptr;
  return info.Env().Undefined();
}

Napi::Value snapshot_object(Napi::Env env, const SharedSnapshot& handle, const SharedHandle& of) {
  Napi::Object object = Napi::Object::New(env);
  uint64_t bytes = 0;
  if (mr_snapshot_bytes(handle->snapshot, &bytes) != MR_OK) throw error_of(env, MR_INTERNAL, mr_last_error());
  object.Set("sizeBytes", static_cast<double>(bytes));
  const auto method = [&](const char* name, auto body) { object.Set(name, Napi::Function::New(env, body, name)); };
  method("take", [handle, of](const Napi::CallbackInfo& info) { return take(info.Env(), handle, of); });
  method("write", [handle](const Napi::CallbackInfo& info) { return write(info, handle); });
  method("destroy", [handle](const Napi::CallbackInfo& info) { return destroy(info, handle); });
  return object;
}

// crc32(bytes: Uint8Array, before: number): number
Napi::Value crc32(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (info.Length() < 2 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array || !info[1].IsNumber()) {
    throw refusal(env, "expected a Uint8Array for bytes and a number for before, got something else");
  }
  const Napi::Uint8Array bytes = info[0].As<Napi::Uint8Array>();
  return Napi::Number::New(env, mr_crc32(bytes.Data(), bytes.ByteLength(), info[1].As<Napi::Number>().Uint32Value()));
}

}  // namespace

Napi::Value create_snapshot(const Napi::CallbackInfo& info, const SharedHandle& handle) {
  mr_trainer* trainer = ready(info.Env(), handle);
  const auto created = std::make_shared<SnapshotHandle>();
  return TrainerCall::start(
      info.Env(), {handle}, {}, [trainer, created] { return mr_snapshot_create(trainer, &created->snapshot); },
      [created, handle](Napi::Env at) { return snapshot_object(at, created, handle); });
}

void register_checkpoint(Napi::Env env, Napi::Object exports) {
  exports.Set("crc32", Napi::Function::New(env, crc32, "crc32"));
}

}  // namespace millrace::addon
