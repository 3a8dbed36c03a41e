// Implements millrace/tokenizer.h over the encoders of text/.
#include "millrace/tokenizer.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/guard.h"
#include "api/tokenizer_handle.h"
#include "text/bpe.h"
#include "text/word_piece.h"

namespace {

using millrace::guarded;
using millrace::Status;

std::string_view view_of(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

// A result buffer of more ids than this (64 MiB) is given back before the next call.
constexpr size_t kKeptIds = size_t{16} << 20;

Status check_offsets(const uint32_t* offsets, size_t num_rows, size_t text_bytes) {
  for (size_t row = 0; row < num_rows; ++row) {
    if (offsets[row] > offsets[row + 1]) {
      return millrace::invalid_argument("expected ascending text offsets, got " + std::to_string(offsets[row]) +
                                        " before " + std::to_string(offsets[row + 1]) + " at row " +
                                        std::to_string(row));
    }
  }
  if (offsets[num_rows] > text_bytes) {
    return millrace::invalid_argument("expected text offsets up to " + std::to_string(text_bytes) + ", got " +
                                      std::to_string(offsets[num_rows]));
  }
  return millrace::ok();
}

}  // namespace

extern "C" {

mr_code mr_tokenizer_create_bpe(const uint8_t* vocab_json, size_t vocab_bytes, const uint8_t* merges,
                                size_t merges_bytes, mr_tokenizer** out) {
  return guarded([&]() -> Status {
    millrace::BpeVocab vocab;
    MR_RETURN_IF_ERROR(
        millrace::parse_bpe_vocab(view_of(vocab_json, vocab_bytes), view_of(merges, merges_bytes), &vocab));
    *out = new mr_tokenizer(std::make_unique<millrace::ByteLevelBpe>(std::move(vocab)));
    return millrace::ok();
  });
}

mr_code mr_tokenizer_create_bpe_with(const uint8_t* vocab_json, size_t vocab_bytes, const uint8_t* merges,
                                     size_t merges_bytes, const mr_bpe_options* options, mr_tokenizer** out) {
  return guarded([&]() -> Status {
    millrace::BpeOptions chosen;
    MR_RETURN_IF_ERROR(millrace::parse_pretoken_pattern(options->pattern, &chosen.pattern));
    chosen.ignore_merges = options->ignore_merges != 0;
    chosen.prefix_space = options->prefix_space != 0;
    millrace::BpeVocab vocab;
    MR_RETURN_IF_ERROR(millrace::parse_bpe_vocab(view_of(vocab_json, vocab_bytes),
                                                 view_of(options->added_json, options->added_bytes),
                                                 view_of(merges, merges_bytes), &vocab));
    *out = new mr_tokenizer(std::make_unique<millrace::ByteLevelBpe>(std::move(vocab), chosen));
    return millrace::ok();
  });
}

mr_code mr_tokenizer_create_word_piece(const uint8_t* tokens, size_t token_bytes, const uint32_t* offsets,
                                       size_t num_tokens, const mr_word_piece_options* options, mr_tokenizer** out) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(check_offsets(offsets, num_tokens, token_bytes));
    millrace::WordPieceOptions chosen;
    chosen.unknown = options->unknown;
    chosen.prefix = options->prefix;
    chosen.most_characters = options->most_characters;
    chosen.words.reset();
    if (options->split != 0) {
      chosen.words = {options->clean != 0, options->chinese != 0, options->strip_accents != 0, options->lowercase != 0};
    }
    std::vector<std::string> by_id(num_tokens);
    for (size_t id = 0; id < num_tokens; ++id) {
      by_id[id] = view_of(tokens + offsets[id], offsets[id + 1] - offsets[id]);
    }
    std::unique_ptr<millrace::TokenEncoder> encoder;
    MR_RETURN_IF_ERROR(millrace::WordPiece::create(std::move(by_id), chosen, &encoder));
    *out = new mr_tokenizer(std::move(encoder));
    return millrace::ok();
  });
}

void mr_tokenizer_destroy(mr_tokenizer* tokenizer) { delete tokenizer; }

int32_t mr_tokenizer_vocab_size(const mr_tokenizer* tokenizer) {
  return static_cast<int32_t>(tokenizer->encoder->vocab_size());
}

mr_code mr_tokenizer_encode(mr_tokenizer* tokenizer, const uint8_t* text, size_t text_bytes, const uint32_t* offsets,
                            size_t num_rows, const int32_t** ids, size_t* num_ids, uint32_t* id_offsets) {
  return guarded([&]() -> Status {
    MR_RETURN_IF_ERROR(check_offsets(offsets, num_rows, text_bytes));
    if (tokenizer->ids.capacity() > kKeptIds) tokenizer->ids = millrace::IdBuffer();
    tokenizer->ids.clear();
    // For all rows at once: growing row by row would copy.
    tokenizer->ids.reserve((offsets[num_rows] - offsets[0]) / 3);
    for (size_t row = 0; row < num_rows; ++row) {
      id_offsets[row] = static_cast<uint32_t>(tokenizer->ids.size());
      tokenizer->encoder->encode(text + offsets[row], offsets[row + 1] - offsets[row], tokenizer->ids);
    }
    id_offsets[num_rows] = static_cast<uint32_t>(tokenizer->ids.size());
    *ids = tokenizer->ids.data();
    *num_ids = tokenizer->ids.size();
    return millrace::ok();
  });
}

mr_code mr_tokenizer_decode(mr_tokenizer* tokenizer, const int32_t* ids, size_t num_ids, const uint8_t** bytes,
                            size_t* num_bytes) {
  return guarded([&]() -> Status {
    tokenizer->bytes.clear();
    MR_RETURN_IF_ERROR(tokenizer->encoder->decode(ids, num_ids, tokenizer->bytes));
    *bytes = reinterpret_cast<const uint8_t*>(tokenizer->bytes.data());
    *num_bytes = tokenizer->bytes.size();
    return millrace::ok();
  });
}

}  // extern "C"
