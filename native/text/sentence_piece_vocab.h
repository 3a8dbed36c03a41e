// The pieces of a checked SentencePiece model as its encoders want them.
//
// Compact text: where the model escapes white space (nearly all do), U+2581 and the space are one thing after
// normalisation, and here both are the one byte 0x20. Where it does not, compact text is the normalised text.
#ifndef MILLRACE_TEXT_SENTENCE_PIECE_VOCAB_H_
#define MILLRACE_TEXT_SENTENCE_PIECE_VOCAB_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/sentence_piece_model.h"

namespace millrace {

// `text` with every U+2581 as 0x20.
std::string compact_text(std::string_view text);

// Bytes of the character that begins with `lead`; 1 for a byte that begins none.
inline size_t character_bytes(uint8_t lead) { return lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

// A piece of a text: its id, and how many bytes of compact text it covers.
struct PieceSpan {
  int32_t id;
  uint32_t length;
};

struct SentencePieceVocab {
  struct Piece {
    // Compact. Empty: no text becomes this piece.
    std::string text;
    // Bytes of the normalised text it covers.
    size_t num_bytes = 0;
    float score = 0;
    PieceType type = PieceType::kNormal;
  };

  // The id of characters that no piece has, in spans.
  static constexpr int32_t kUnknown = -1;

  explicit SentencePieceVocab(const SentencePieceModel& model);

  bool escapes_whitespace;
  std::vector<Piece> pieces;
  // The id that characters without a piece get, in runs one; with byte fallback they become their bytes.
  int32_t unknown_id = -1;
  bool byte_fallback;
  std::array<int32_t, 256> byte_ids;
  bool has_unused = false;
  // Whether a piece has a space behind a byte, before a byte. Where none has, a text may be cut between the two: what
  // stands on one side does not decide about the other.
  std::array<bool, 256> joins_before_space{};
  std::array<bool, 256> joins_after_space{};
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SENTENCE_PIECE_VOCAB_H_
