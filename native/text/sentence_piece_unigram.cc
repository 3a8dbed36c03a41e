#include "text/sentence_piece_unigram.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace millrace {

namespace {

constexpr float kLargestSum = 100'000.0f;
constexpr float kUnknownPenalty = 10.0f;
// No piece ends here.
constexpr int32_t kNoPiece = -2;

// Where the piece begins that ends at `end`: ids tell how long pieces are, and an unknown one is a character.
size_t piece_begin(const SentencePieceVocab& vocab, const uint8_t* segment, size_t end, int32_t id) {
  if (id >= 0) return end - vocab.pieces[static_cast<size_t>(id)].text.size();
  do {
    --end;
  } while (end > 0 && (segment[end] & 0xC0) == 0x80);
  return end;
}

// Appends the pieces from the segment's beginning to `end`, found from the last to the first.
template <typename Ids>
void append_path(const SentencePieceVocab& vocab, const uint8_t* segment, size_t end, const Ids& ids,
                 std::vector<PieceSpan>& out) {
  const size_t first = out.size();
  while (end > 0) {
    const size_t begin = piece_begin(vocab, segment, end, ids[end]);
    out.push_back({ids[end], static_cast<uint32_t>(end - begin)});
    end = begin;
  }
  std::reverse(out.begin() + static_cast<ptrdiff_t>(first), out.end());
}

}  // namespace

Status UnigramModel::load() {
  float least = FLT_MAX;
  std::vector<PieceTrie::Key> keys;
  scores_.reserve(vocab_.pieces.size());
  for (size_t id = 0; id < vocab_.pieces.size(); ++id) {
    const SentencePieceVocab::Piece& piece = vocab_.pieces[id];
    if (piece.type == PieceType::kNormal) least = std::min(least, piece.score);
    const bool is_symbol = piece.type == PieceType::kUserDefined;
    scores_.push_back(is_symbol ? static_cast<float>(0.1 * (static_cast<double>(piece.num_bytes) - 1)) : piece.score);
    if (piece.text.empty() || piece.type == PieceType::kUnused) continue;
    keys.push_back({piece.text, static_cast<int32_t>(id)});
    largest_score_ = std::max(largest_score_, std::abs(static_cast<double>(scores_[id])));
  }
  if (keys.empty()) return invalid_argument("expected pieces that texts can become, got none");
  unknown_score_ = least - kUnknownPenalty;
  largest_score_ = std::max(largest_score_, std::abs(static_cast<double>(unknown_score_)));
  return trie_.build(std::move(keys));
}

template <typename Offer>
size_t UnigramModel::offer_pieces(const uint8_t* segment, size_t length, size_t begin, const Offer& offer) const {
  const size_t character = std::min(character_bytes(segment[begin]), length - begin);
  bool is_known = false;
  uint64_t unit = trie_.root();
  for (size_t end = begin; end < length && trie_.step(unit, segment[end]);) {
    ++end;
    const int32_t id = PieceTrie::value(unit);
    if (id < 0) continue;
    offer(end, scores_[static_cast<size_t>(id)], id);
    is_known = is_known || end - begin == character;
  }
  if (!is_known) offer(begin + character, unknown_score_, SentencePieceVocab::kUnknown);
  return begin + character;
}

void UnigramModel::cut(const uint8_t* segment, size_t length, float& sum, std::vector<PieceSpan>& out) {
  if (length == 0) return;
  sums_.resize(length + 1);
  ids_.assign(length + 1, kNoPiece);
  float* const sums = sums_.data();
  int32_t* const ids = ids_.data();
  sums[0] = sum;
  size_t farthest = 0;
  for (size_t begin = 0; begin < length;) {
    float before = sums[begin];
    if (before < -kLargestSum || before > kLargestSum) {
      for (size_t i = begin; i <= farthest; ++i) {
        if (i == begin || ids[i] != kNoPiece) sums[i] -= before;
      }
      before = 0;
    }
    begin = offer_pieces(segment, length, begin, [&, before](size_t end, float score, int32_t id) {
      farthest = std::max(farthest, end);
      const float reached = before + score;
      if (ids[end] != kNoPiece && !(reached > sums[end])) return;
      sums[end] = reached;
      ids[end] = id;
    });
  }
  sum = sums[length];
  append_path(vocab_, segment, length, ids, out);
  constexpr size_t kKeptLength = size_t{1} << 18;
  if (sums_.capacity() > kKeptLength) {
    std::vector<float>().swap(sums_);
    std::vector<int32_t>().swap(ids_);
  }
}

// The same search in exact arithmetic (doubles without a sum before them), which also keeps by how much the best sum
// beats the second at every place. Sums of floats err by at most half a unit in the last place a piece: with n
// characters and no sum larger than M, a sum is off by at most n * M / 2^24, a comparison of two by twice that. Where
// the lead at each place of the best cut is larger, floats choose the same cut.
float UnigramModel::cut_anywhere(const uint8_t* segment, size_t length, std::vector<PieceSpan>& out) const {
  struct Place {
    double sum = 0, lead = 0;
    int32_t id = kNoPiece;
  };
  Place places[kShortSegment + 1];
  size_t num_characters = 0;
  for (size_t begin = 0; begin < length; ++num_characters) {
    begin = offer_pieces(segment, length, begin, [&, before = places[begin].sum](size_t end, float score, int32_t id) {
      const double sum = before + score;
      Place& place = places[end];
      if (place.id == kNoPiece) {
        place = {sum, HUGE_VAL, id};
      } else if (sum > place.sum) {
        place = {sum, sum - place.sum, id};
      } else {
        place.lead = std::min(place.lead, place.sum - sum);
      }
    });
  }
  double lead = HUGE_VAL;
  for (size_t end = length; end > 0; end = piece_begin(vocab_, segment, end, places[end].id)) {
    lead = std::min(lead, places[end].lead);
  }
  int32_t ids[kShortSegment + 1];
  for (size_t i = 0; i <= length; ++i) ids[i] = places[i].id;
  append_path(vocab_, segment, length, ids, out);
  const double n = static_cast<double>(num_characters);
  // A hundredth less, for what the doubles and this line themselves round.
  const double largest = std::min(0.99 * lead * 0x1p23 / n, static_cast<double>(kLargestSum));
  return static_cast<float>(largest - n * largest_score_ - 1);
}

}  // namespace millrace
