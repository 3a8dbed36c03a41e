// The tokenizer's handle: an object { vocabSize } that wraps an mr_tokenizer and frees it when collected.
#include "millrace/tokenizer.h"

#include <cstring>
#include <string>

#include "addon/registration.h"

namespace millrace::addon {

namespace {

constexpr napi_type_tag kTokenizerTag = {0x6d696c6c72616365ull, 0x746f6b656e697a65ull};

template <typename Array>
Array array_argument(const Napi::CallbackInfo& info, size_t index, napi_typedarray_type type, const char* expected) {
  if (info.Length() <= index || !info[index].IsTypedArray() ||
      info[index].As<Napi::TypedArray>().TypedArrayType() != type) {
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, expected);
  }
  return info[index].As<Array>();
}

mr_tokenizer* tokenizer_argument(const Napi::CallbackInfo& info) {
  bool tagged = false;
  if (info.Length() > 0 && info[0].IsObject()) napi_check_object_type_tag(info.Env(), info[0], &kTokenizerTag, &tagged);
  if (!tagged)
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, "expected a tokenizer made by createByteLevelBpe for tokenizer");
  void* handle = nullptr;
  if (napi_unwrap(info.Env(), info[0], &handle) != napi_ok) {
    throw error_of(info.Env(), MR_INTERNAL, "expected a handle in the tokenizer, got none");
  }
  return static_cast<mr_tokenizer*>(handle);
}

mr_code create_with(const Napi::Uint8Array& vocab, const Napi::Uint8Array& merges, const Napi::Object& options,
                    mr_tokenizer** out) {
  const std::string pattern = options.Get("pattern").ToString();
  const Napi::Value added = options.Get("addedJson");
  if (!added.IsTypedArray() || added.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw error_of(options.Env(), MR_INVALID_ARGUMENT, "expected a Uint8Array for addedJson");
  }
  const auto added_json = added.As<Napi::Uint8Array>();
  mr_bpe_options native{};
  native.pattern = pattern.c_str();
  native.ignore_merges = options.Get("ignoreMerges").ToBoolean() ? 1 : 0;
  native.prefix_space = options.Get("prefixSpace").ToBoolean() ? 1 : 0;
  native.added_json = added_json.Data();
  native.added_bytes = added_json.ByteLength();
  return mr_tokenizer_create_bpe_with(vocab.Data(), vocab.ByteLength(), merges.Data(), merges.ByteLength(), &native,
                                      out);
}

// createByteLevelBpe(vocabJson: Uint8Array, mergesText: Uint8Array, options?: ByteLevelBpeOptions): NativeTokenizer
Napi::Value create_byte_level_bpe(const Napi::CallbackInfo& info) {
  const auto vocab = array_argument<Napi::Uint8Array>(info, 0, napi_uint8_array, "expected a Uint8Array for vocabJson");
  const auto merges =
      array_argument<Napi::Uint8Array>(info, 1, napi_uint8_array, "expected a Uint8Array for mergesText");
  mr_tokenizer* tokenizer = nullptr;
  const mr_code code =
      info.Length() > 2 && info[2].IsObject()
          ? create_with(vocab, merges, info[2].As<Napi::Object>(), &tokenizer)
          : mr_tokenizer_create_bpe(vocab.Data(), vocab.ByteLength(), merges.Data(), merges.ByteLength(), &tokenizer);
  if (code != MR_OK) throw error_of(info.Env(), code, mr_last_error());
  Napi::Object object = Napi::Object::New(info.Env());
  const auto finalize = [](napi_env, void* handle, void*) { mr_tokenizer_destroy(static_cast<mr_tokenizer*>(handle)); };
  if (napi_wrap(info.Env(), object, tokenizer, finalize, nullptr, nullptr) != napi_ok) {
    mr_tokenizer_destroy(tokenizer);
    throw error_of(info.Env(), MR_INTERNAL, "expected to wrap the tokenizer's handle, got a failure");
  }
  if (napi_type_tag_object(info.Env(), object, &kTokenizerTag) != napi_ok) {
    throw error_of(info.Env(), MR_INTERNAL, "expected to tag the tokenizer's handle, got a failure");
  }
  object.Set("vocabSize", Napi::Number::New(info.Env(), mr_tokenizer_vocab_size(tokenizer)));
  object.Freeze();
  return object;
}

// encodeBlock(tokenizer: NativeTokenizer, text: Uint8Array, offsets: Uint32Array): EncodeResult
Napi::Value encode_block(const Napi::CallbackInfo& info) {
  mr_tokenizer* tokenizer = tokenizer_argument(info);
  const auto text = array_argument<Napi::Uint8Array>(info, 1, napi_uint8_array, "expected a Uint8Array for text");
  const auto offsets =
      array_argument<Napi::Uint32Array>(info, 2, napi_uint32_array, "expected a Uint32Array for offsets");
  if (offsets.ElementLength() == 0)
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, "expected at least one entry for offsets");
  const size_t num_rows = offsets.ElementLength() - 1;
  auto id_offsets = Napi::Uint32Array::New(info.Env(), num_rows + 1);
  const int32_t* ids = nullptr;
  size_t num_ids = 0;
  const mr_code code = mr_tokenizer_encode(tokenizer, text.Data(), text.ByteLength(), offsets.Data(), num_rows, &ids,
                                           &num_ids, id_offsets.Data());
  if (code != MR_OK) throw error_of(info.Env(), code, mr_last_error());
  auto result_ids = Napi::Int32Array::New(info.Env(), num_ids);
  if (num_ids > 0) std::memcpy(result_ids.Data(), ids, num_ids * sizeof(int32_t));
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("ids", result_ids);
  result.Set("offsets", id_offsets);
  return result;
}

// decodeIds(tokenizer: NativeTokenizer, ids: Int32Array): Uint8Array
Napi::Value decode_ids(const Napi::CallbackInfo& info) {
  mr_tokenizer* tokenizer = tokenizer_argument(info);
  const auto ids = array_argument<Napi::Int32Array>(info, 1, napi_int32_array, "expected an Int32Array for ids");
  const uint8_t* bytes = nullptr;
  size_t num_bytes = 0;
  const mr_code code = mr_tokenizer_decode(tokenizer, ids.Data(), ids.ElementLength(), &bytes, &num_bytes);
  if (code != MR_OK) throw error_of(info.Env(), code, mr_last_error());
  auto result = Napi::Uint8Array::New(info.Env(), num_bytes);
  if (num_bytes > 0) std::memcpy(result.Data(), bytes, num_bytes);
  return result;
}

}  // namespace

void register_tokenizer(Napi::Env env, Napi::Object exports) {
  exports.Set("createByteLevelBpe", Napi::Function::New(env, create_byte_level_bpe, "createByteLevelBpe"));
  exports.Set("encodeBlock", Napi::Function::New(env, encode_block, "encodeBlock"));
  exports.Set("decodeIds", Napi::Function::New(env, decode_ids, "decodeIds"));
}

}  // namespace millrace::addon
