// Implements millrace/sentence_piece.h over text/sentence_piece.h.
#include "millrace/sentence_piece.h"

#include <memory>
#include <string_view>
#include <utility>

#include "api/guard.h"
#include "api/tokenizer_handle.h"
#include "text/sentence_piece.h"

extern "C" {

mr_code mr_tokenizer_create_sentence_piece(const uint8_t* model, size_t model_bytes, mr_tokenizer** out) {
  return millrace::guarded([&]() -> millrace::Status {
    std::unique_ptr<millrace::SentencePiece> encoder;
    MR_RETURN_IF_ERROR(millrace::SentencePiece::create({reinterpret_cast<const char*>(model), model_bytes}, &encoder));
    *out = new mr_tokenizer(std::move(encoder));
    return millrace::ok();
  });
}

}  // extern "C"
