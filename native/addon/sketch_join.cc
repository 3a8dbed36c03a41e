// The sketch join: JavaScript values to millrace/sketch_join.h and back.
#include "millrace/sketch_join.h"

#include <algorithm>

#include "addon/registration.h"

namespace millrace::addon {
namespace {

void check(Napi::Env env, mr_code code) {
  if (code != MR_OK) throw error_of(env, code, mr_last_error());
}

void expect(Napi::Env env, bool condition, const char* sentence) {
  if (!condition) throw error_of(env, MR_INVALID_ARGUMENT, sentence);
}

Napi::Uint32Array sketches_of(const Napi::Value& value) {
  const Napi::Env env = value.Env();
  expect(env, value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint32_array,
         "expected a Uint32Array for sketches");
  Napi::Uint32Array sketches = value.As<Napi::Uint32Array>();
  expect(env, sketches.ElementLength() % MR_SKETCH_SIZE == 0, "expected whole sketches");
  return sketches;
}

Napi::Value create_sketch_index(const Napi::CallbackInfo& info) {
  const Napi::Uint32Array sketches = sketches_of(info[0]);
  mr_sketch_index* index = nullptr;
  check(info.Env(), mr_sketch_index_create(sketches.Data(), sketches.ElementLength() / MR_SKETCH_SIZE, &index));
  return Napi::External<mr_sketch_index>::New(info.Env(), index,
                                              [](Napi::Env, mr_sketch_index* held) { mr_sketch_index_destroy(held); });
}

Napi::Value match_sketches(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  expect(env, info[0].IsExternal(), "expected a sketch index");
  const Napi::Uint32Array sketches = sketches_of(info[1]);
  const size_t num_rows = sketches.ElementLength() / MR_SKETCH_SIZE;
  expect(env, info[2].IsTypedArray() && info[2].As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array,
         "expected a Uint8Array for taken");
  const Napi::Uint8Array taken = info[2].As<Napi::Uint8Array>();
  expect(env, taken.ElementLength() == num_rows, "expected one byte of taken for each sketch");
  expect(env, info[3].IsNumber(), "expected a number for minLevel");
  const uint32_t* matches = nullptr;
  size_t num_matches = 0;
  check(env, mr_sketch_index_match(info[0].As<Napi::External<mr_sketch_index>>().Data(), sketches.Data(), taken.Data(),
                                   num_rows, info[3].As<Napi::Number>().Uint32Value(), &matches, &num_matches));
  auto out = Napi::Uint32Array::New(env, 3 * num_matches);
  std::copy_n(matches, 3 * num_matches, out.Data());
  return out;
}

}  // namespace

void register_sketch_join(Napi::Env env, Napi::Object exports) {
  exports.Set("createSketchIndex", Napi::Function::New(env, create_sketch_index, "createSketchIndex"));
  exports.Set("matchSketches", Napi::Function::New(env, match_sketches, "matchSketches"));
}

}  // namespace millrace::addon
