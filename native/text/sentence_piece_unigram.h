// The unigram model of SentencePiece: the cut of a text into pieces with the highest sum of scores (Viterbi), with the
// arithmetic and the choice among equals of SentencePiece 0.2: sums are floats that run on from piece to piece, a cut
// replaces an earlier one only by a higher sum, and sums beyond 100,000 are set back to zero.
#ifndef MILLRACE_TEXT_SENTENCE_PIECE_UNIGRAM_H_
#define MILLRACE_TEXT_SENTENCE_PIECE_UNIGRAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/status.h"
#include "text/sentence_piece_trie.h"
#include "text/sentence_piece_vocab.h"

namespace millrace {

class UnigramModel {
 public:
  // Segments up to this long can be cut without knowing what stands before them.
  static constexpr size_t kShortSegment = 23;

  explicit UnigramModel(const SentencePieceVocab& vocab) : vocab_(vocab) {}

  Status load();

  // Appends the pieces of a segment, text that no piece enters or leaves. `sum`: of the text's pieces up to here, 0 at
  // its beginning; goes on.
  void cut(const uint8_t* segment, size_t length, float& sum, std::vector<PieceSpan>& out);

  // Appends the pieces of a short segment if they are the same whatever the sum before it is, up to a certain size,
  // which is returned; negative where there is none.
  float cut_anywhere(const uint8_t* segment, size_t length, std::vector<PieceSpan>& out) const;

  float add_scores(float sum, const std::vector<PieceSpan>& spans) const {
    for (const PieceSpan& span : spans) sum += score_of(span.id);
    return sum;
  }
  // The same of pieces that are not unknown.
  float add_scores(float sum, const int32_t* ids, size_t count) const {
    for (size_t i = 0; i < count; ++i) sum += scores_[static_cast<size_t>(ids[i])];
    return sum;
  }

 private:
  // Calls offer(where it ends, its score, its id) for each piece that begins at `begin`, and for the unknown one where
  // no piece is just the character there. Returns where the character ends.
  template <typename Offer>
  size_t offer_pieces(const uint8_t* segment, size_t length, size_t begin, const Offer& offer) const;
  float score_of(int32_t id) const { return id < 0 ? unknown_score_ : scores_[static_cast<size_t>(id)]; }

  const SentencePieceVocab& vocab_;
  PieceTrie trie_;
  std::vector<float> scores_;  // by id; of user-defined symbols, what makes them win
  float unknown_score_ = 0;
  double largest_score_ = 0;

  // Of a segment, by where a piece ends: the best sum and its piece.
  std::vector<float> sums_;
  std::vector<int32_t> ids_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SENTENCE_PIECE_UNIGRAM_H_
