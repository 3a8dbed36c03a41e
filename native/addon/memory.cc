// Memory-mapped files as external ArrayBuffers: not copied, unmapped when the buffer is collected.
#include "millrace/memory.h"

#include <cmath>
#include <string>

#include "addon/registration.h"

namespace millrace::addon {

namespace {

Napi::ArrayBuffer external_buffer(Napi::Env env, void* data, size_t size_bytes) {
  if (data == nullptr) return Napi::ArrayBuffer::New(env, 0);
  return Napi::ArrayBuffer::New(env, data, size_bytes,
                                [size_bytes](Napi::Env, void* mapped) { mr_unmap(mapped, size_bytes); });
}

std::string path_argument(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsString())
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, "expected a string for path");
  return info[0].As<Napi::String>().Utf8Value();
}

// mapFile(path: string): ArrayBuffer
Napi::Value map_file(const Napi::CallbackInfo& info) {
  const std::string path = path_argument(info);
  void* data = nullptr;
  size_t size_bytes = 0;
  const mr_code code = mr_map_file(path.c_str(), &data, &size_bytes);
  if (code != MR_OK) throw error_of(info.Env(), code, mr_last_error());
  return external_buffer(info.Env(), data, size_bytes);
}

// mapFileWritable(path: string, sizeBytes: number): ArrayBuffer
Napi::Value map_file_writable(const Napi::CallbackInfo& info) {
  const std::string path = path_argument(info);
  const double size = info.Length() > 1 && info[1].IsNumber() ? info[1].As<Napi::Number>().DoubleValue() : 0;
  constexpr double kMaxExactSize = 9007199254740991.0;  // 2^53 - 1
  if (!(size >= 1 && size <= kMaxExactSize && size == std::floor(size))) {
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, "expected a whole number of at least 1 for sizeBytes");
  }
  void* data = nullptr;
  const mr_code code = mr_map_file_writable(path.c_str(), static_cast<size_t>(size), &data);
  if (code != MR_OK) throw error_of(info.Env(), code, mr_last_error());
  return external_buffer(info.Env(), data, static_cast<size_t>(size));
}

}  // namespace

void register_memory(Napi::Env env, Napi::Object exports) {
  exports.Set("mapFile", Napi::Function::New(env, map_file, "mapFile"));
  exports.Set("mapFileWritable", Napi::Function::New(env, map_file_writable, "mapFileWritable"));
}

}  // namespace millrace::addon
