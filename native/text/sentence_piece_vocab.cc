#include "text/sentence_piece_vocab.h"

namespace millrace {

std::string compact_text(std::string_view text) {
  std::string compact;
  compact.reserve(text.size());
  while (!text.empty()) {
    const bool is_symbol = text.starts_with(kSpaceSymbol);
    compact.push_back(is_symbol ? ' ' : text[0]);
    text.remove_prefix(is_symbol ? kSpaceSymbol.size() : 1);
  }
  return compact;
}

SentencePieceVocab::SentencePieceVocab(const SentencePieceModel& model)
    : escapes_whitespace(model.normalizer.escape_whitespaces), byte_fallback(model.byte_fallback) {
  byte_ids.fill(-1);
  pieces.reserve(model.pieces.size());
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    const ModelPiece& from = model.pieces[id];
    Piece& piece = pieces.emplace_back();
    piece.num_bytes = from.text.size();
    piece.score = from.score;
    piece.type = from.type;
    if (from.type == PieceType::kUnknown) unknown_id = static_cast<int32_t>(id);
    if (from.type == PieceType::kByte) byte_ids[byte_of_piece(from.text)] = static_cast<int32_t>(id);
    // A NUL: a piece that is none.
    if (!from.is_ordinary() || from.text[0] == '\0') continue;
    has_unused = has_unused || from.type == PieceType::kUnused;
    // Normalised text has no space where spaces are escaped.
    if (escapes_whitespace && from.text.find(' ') != std::string::npos) continue;
    piece.text = escapes_whitespace ? compact_text(from.text) : from.text;
    for (size_t i = 1; i < piece.text.size(); ++i) {
      if (piece.text[i] == ' ') joins_before_space[static_cast<uint8_t>(piece.text[i - 1])] = true;
      if (piece.text[i - 1] == ' ') joins_after_space[static_cast<uint8_t>(piece.text[i])] = true;
    }
  }
}

}  // namespace millrace
