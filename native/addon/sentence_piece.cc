// SentencePiece models: makes tokenizers that tokenizer.cc encodes and decodes with.
#include "millrace/sentence_piece.h"

#include "addon/tokenizer.h"
#include "addon/values.h"

namespace millrace::addon {

namespace {

// createSentencePiece(model: Uint8Array): NativeTokenizer
Napi::Value create_sentence_piece(const Napi::CallbackInfo& info) {
  const auto model = bytes_of(info[0], "model");
  mr_tokenizer* tokenizer = nullptr;
  check(info.Env(), mr_tokenizer_create_sentence_piece(model.Data(), model.ByteLength(), &tokenizer));
  return tokenizer_object(info.Env(), tokenizer);
}

}  // namespace

void register_sentence_piece(Napi::Env env, Napi::Object exports) {
  exports.Set("createSentencePiece", Napi::Function::New(env, create_sentence_piece, "createSentencePiece"));
}

}  // namespace millrace::addon
