// Learning a vocabulary: JavaScript values to millrace/bpe_trainer.h and back.
#include "millrace/bpe_trainer.h"

#include <algorithm>
#include <string>

#include "addon/registration.h"

namespace millrace::addon {
namespace {

using Handle = Napi::External<mr_bpe_trainer>;

void check(Napi::Env env, mr_code code) {
  if (code != MR_OK) throw error_of(env, code, mr_last_error());
}

void expect(Napi::Env env, bool condition, const char* sentence) {
  if (!condition) throw error_of(env, MR_INVALID_ARGUMENT, sentence);
}

mr_bpe_trainer* trainer_argument(const Napi::CallbackInfo& info) {
  expect(info.Env(), info.Length() > 0 && info[0].IsExternal(), "expected a trainer made by createBpeTrainer");
  return info[0].As<Handle>().Data();
}

bool is_array(const Napi::Value& value, napi_typedarray_type type) {
  return value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == type;
}

// createBpeTrainer(pattern: string): NativeBpeTrainer
Napi::Value create_bpe_trainer(const Napi::CallbackInfo& info) {
  const std::string pattern = info[0].ToString();
  mr_bpe_trainer* trainer = nullptr;
  check(info.Env(), mr_bpe_trainer_create(pattern.c_str(), &trainer));
  return Handle::New(info.Env(), trainer, [](Napi::Env, mr_bpe_trainer* held) { mr_bpe_trainer_destroy(held); });
}

// addTrainingTexts(trainer, text: Uint8Array, offsets: Uint32Array): { numPieces, numForgotten }
Napi::Value add_training_texts(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  mr_bpe_trainer* trainer = trainer_argument(info);
  expect(env, is_array(info[1], napi_uint8_array), "expected a Uint8Array for text");
  expect(env, is_array(info[2], napi_uint32_array), "expected a Uint32Array for offsets");
  const auto text = info[1].As<Napi::Uint8Array>();
  const auto offsets = info[2].As<Napi::Uint32Array>();
  expect(env, offsets.ElementLength() > 0, "expected at least one entry for offsets");
  check(env, mr_bpe_trainer_add(trainer, text.Data(), text.ByteLength(), offsets.Data(), offsets.ElementLength() - 1));
  uint64_t num_pieces = 0;
  uint64_t num_forgotten = 0;
  mr_bpe_trainer_counts(trainer, &num_pieces, &num_forgotten);
  Napi::Object counts = Napi::Object::New(env);
  counts.Set("numPieces", Napi::Number::New(env, static_cast<double>(num_pieces)));
  counts.Set("numForgotten", Napi::Number::New(env, static_cast<double>(num_forgotten)));
  return counts;
}

// learnMerges(trainer, goal: BpeGoal, count: number): Uint32Array
Napi::Value learn_merges(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  mr_bpe_trainer* trainer = trainer_argument(info);
  expect(env, info[1].IsObject(), "expected an object for goal");
  const auto object = info[1].As<Napi::Object>();
  mr_bpe_goal goal{};
  goal.vocab_size = object.Get("vocabSize").ToNumber().Uint32Value();
  goal.min_frequency = static_cast<uint64_t>(std::max<int64_t>(0, object.Get("minFrequency").ToNumber().Int64Value()));
  goal.num_first_tokens = object.Get("numFirstTokens").ToNumber().Uint32Value();
  const uint32_t* merges = nullptr;
  size_t num_merges = 0;
  check(env, mr_bpe_trainer_learn(trainer, &goal, info[2].ToNumber().Uint32Value(), &merges, &num_merges));
  auto out = Napi::Uint32Array::New(env, 3 * num_merges);
  std::copy_n(merges, 3 * num_merges, out.Data());
  return out;
}

}  // namespace

void register_bpe_trainer(Napi::Env env, Napi::Object exports) {
  exports.Set("createBpeTrainer", Napi::Function::New(env, create_bpe_trainer, "createBpeTrainer"));
  exports.Set("addTrainingTexts", Napi::Function::New(env, add_training_texts, "addTrainingTexts"));
  exports.Set("learnMerges", Napi::Function::New(env, learn_merges, "learnMerges"));
}

}  // namespace millrace::addon
