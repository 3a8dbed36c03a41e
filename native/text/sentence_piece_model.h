// A SentencePiece model as its file has it: the fields of the ModelProto (sentencepiece_model.proto) that decide ids
// and texts. Bytes in, a checked record out; what can be wrong with a file is refused here, by the rules of
// SentencePiece 0.2.
#ifndef MILLRACE_TEXT_SENTENCE_PIECE_MODEL_H_
#define MILLRACE_TEXT_SENTENCE_PIECE_MODEL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace millrace {

// U+2581, which stands for a space in pieces.
inline constexpr std::string_view kSpaceSymbol = "\xE2\x96\x81";

enum class PieceType : uint8_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct ModelPiece {
  std::string text;
  float score = 0;
  PieceType type = PieceType::kNormal;

  // What texts can become; the other types only have names.
  bool is_ordinary() const {
    return type == PieceType::kNormal || type == PieceType::kUserDefined || type == PieceType::kUnused;
  }
};

struct NormalizerSpec {
  // Empty: characters stay as they are.
  std::string charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
};

struct SentencePieceModel {
  enum class Kind : uint8_t { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };

  std::vector<ModelPiece> pieces;
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  bool treat_whitespace_as_suffix = false;
  std::string unknown_surface = " \xE2\x81\x87 ";
  NormalizerSpec normalizer;
  // Applied to decoded texts where its charsmap is not empty.
  NormalizerSpec denormalizer;
};

// MR_INVALID_ARGUMENT names what is wrong with the bytes.
Status parse_sentence_piece_model(std::string_view bytes, SentencePieceModel* out);

// The byte of a piece "<0x00>" to "<0xFF>", -1 for other texts.
int byte_of_piece(std::string_view text);

}  // namespace millrace

#endif  // MILLRACE_TEXT_SENTENCE_PIECE_MODEL_H_
