// Tokenizers, encoding and decoding; the handle is an object { vocabSize } that frees its tokenizer when collected.
#include "addon/tokenizer.h"

#include <string>

#include "addon/values.h"

namespace millrace::addon {

namespace {

constexpr napi_type_tag kTokenizerTag = {0x6d696c6c72616365ull, 0x746f6b656e697a65ull};

mr_tokenizer* tokenizer_argument(const Napi::CallbackInfo& info) {
  bool tagged = false;
  if (info.Length() > 0 && info[0].IsObject()) napi_check_object_type_tag(info.Env(), info[0], &kTokenizerTag, &tagged);
  if (!tagged)
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, "expected a tokenizer made by this module for tokenizer");
  void* handle = nullptr;
  if (napi_unwrap(info.Env(), info[0], &handle) != napi_ok) {
    throw error_of(info.Env(), MR_INTERNAL, "expected a handle in the tokenizer, got none");
  }
  return static_cast<mr_tokenizer*>(handle);
}

mr_code create_with(const Napi::Uint8Array& vocab, const Napi::Uint8Array& merges, const Napi::Object& options,
                    mr_tokenizer** out) {
  const std::string pattern = options.Get("pattern").ToString();
  const auto added_json = bytes_of(options.Get("addedJson"), "addedJson");
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
  const auto vocab = bytes_of(info[0], "vocabJson");
  const auto merges = bytes_of(info[1], "mergesText");
  mr_tokenizer* tokenizer = nullptr;
  const mr_code code =
      info.Length() > 2 && info[2].IsObject()
          ? create_with(vocab, merges, info[2].As<Napi::Object>(), &tokenizer)
          : mr_tokenizer_create_bpe(vocab.Data(), vocab.ByteLength(), merges.Data(), merges.ByteLength(), &tokenizer);
  check(info.Env(), code);
  return tokenizer_object(info.Env(), tokenizer);
}

// createWordPiece(tokens: Uint8Array, offsets: Uint32Array, options: WordPieceOptions): NativeTokenizer
Napi::Value create_word_piece(const Napi::CallbackInfo& info) {
  const auto tokens = bytes_of(info[0], "tokens");
  const auto offsets = uint32_of(info[1], "offsets");
  const Napi::Object options = object_of(info[2], "options");
  expect(info.Env(), offsets.ElementLength() > 0, "expected at least one entry for offsets");
  const std::string unknown = options.Get("unknown").ToString();
  const std::string prefix = options.Get("prefix").ToString();
  const auto flag = [&options](const char* name) { return options.Get(name).ToBoolean() ? 1 : 0; };
  mr_word_piece_options native{};
  native.unknown = unknown.c_str();
  native.prefix = prefix.c_str();
  native.most_characters = options.Get("mostCharacters").ToNumber().Uint32Value();
  native.split = flag("split");
  native.clean = flag("clean");
  native.chinese = flag("chinese");
  native.strip_accents = flag("stripAccents");
  native.lowercase = flag("lowercase");
  mr_tokenizer* tokenizer = nullptr;
  check(info.Env(), mr_tokenizer_create_word_piece(tokens.Data(), tokens.ByteLength(), offsets.Data(),
                                                   offsets.ElementLength() - 1, &native, &tokenizer));
  return tokenizer_object(info.Env(), tokenizer);
}

// encodeBlock(tokenizer: NativeTokenizer, text: Uint8Array, offsets: Uint32Array): EncodedBlock
Napi::Value encode_block(const Napi::CallbackInfo& info) {
  mr_tokenizer* tokenizer = tokenizer_argument(info);
  const auto text = bytes_of(info[1], "text");
  const auto offsets = uint32_of(info[2], "offsets");
  expect(info.Env(), offsets.ElementLength() > 0, "expected at least one entry for offsets");
  const size_t num_rows = offsets.ElementLength() - 1;
  auto id_offsets = Napi::Uint32Array::New(info.Env(), num_rows + 1);
  const int32_t* ids = nullptr;
  size_t num_ids = 0;
  const mr_code code = mr_tokenizer_encode(tokenizer, text.Data(), text.ByteLength(), offsets.Data(), num_rows, &ids,
                                           &num_ids, id_offsets.Data());
  check(info.Env(), code);
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("ids", copied<Napi::Int32Array>(info.Env(), ids, num_ids));
  result.Set("offsets", id_offsets);
  return result;
}

// decodeIds(tokenizer: NativeTokenizer, ids: Int32Array): Uint8Array
Napi::Value decode_ids(const Napi::CallbackInfo& info) {
  mr_tokenizer* tokenizer = tokenizer_argument(info);
  const auto ids = array_of<Napi::Int32Array>(info[1], napi_int32_array, "ids");
  const uint8_t* bytes = nullptr;
  size_t num_bytes = 0;
  const mr_code code = mr_tokenizer_decode(tokenizer, ids.Data(), ids.ElementLength(), &bytes, &num_bytes);
  check(info.Env(), code);
  return copied<Napi::Uint8Array>(info.Env(), bytes, num_bytes);
}

}  // namespace

Napi::Object tokenizer_object(Napi::Env env, mr_tokenizer* tokenizer) {
  Napi::Object object = Napi::Object::New(env);
  const auto finalize = [](napi_env, void* handle, void*) { mr_tokenizer_destroy(static_cast<mr_tokenizer*>(handle)); };
  if (napi_wrap(env, object, tokenizer, finalize, nullptr, nullptr) != napi_ok) {
    mr_tokenizer_destroy(tokenizer);
    throw error_of(env, MR_INTERNAL, "expected to wrap the tokenizer's handle, got a failure");
  }
  if (napi_type_tag_object(env, object, &kTokenizerTag) != napi_ok) {
    throw error_of(env, MR_INTERNAL, "expected to tag the tokenizer's handle, got a failure");
  }
  object.Set("vocabSize", Napi::Number::New(env, mr_tokenizer_vocab_size(tokenizer)));
  object.Freeze();
  return object;
}

void register_tokenizer(Napi::Env env, Napi::Object exports) {
  exports.Set("createByteLevelBpe", Napi::Function::New(env, create_byte_level_bpe, "createByteLevelBpe"));
  exports.Set("createWordPiece", Napi::Function::New(env, create_word_piece, "createWordPiece"));
  exports.Set("encodeBlock", Napi::Function::New(env, encode_block, "encodeBlock"));
  exports.Set("decodeIds", Napi::Function::New(env, decode_ids, "decodeIds"));
}

}  // namespace millrace::addon
