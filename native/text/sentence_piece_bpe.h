// The BPE model of SentencePiece: neighbours whose texts together are a piece merge, the highest score first and of
// equal ones the leftmost; user-defined symbols do not merge. Pieces that are not in use fall apart again in the end.
#ifndef MILLRACE_TEXT_SENTENCE_PIECE_BPE_H_
#define MILLRACE_TEXT_SENTENCE_PIECE_BPE_H_

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/status.h"
#include "text/huge_array.h"
#include "text/sentence_piece_trie.h"
#include "text/sentence_piece_vocab.h"

namespace millrace {

// Pairs of symbols and what they merge into. Symbols are pieces, by id, and above them the characters that are no piece
// but part of one.
class PieceMerges {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFFu;

  void build(const SentencePieceVocab& vocab);

  // kNone: a character that merges with nothing.
  uint32_t symbol_of(const uint8_t* character, size_t size) const;

  // The piece that two neighbours merge into, or kNone.
  uint32_t merged(uint32_t left, uint32_t right) const {
    const uint64_t key = static_cast<uint64_t>(left) << 32 | right;
    for (size_t at = place_of(key);; at = (at + 1) & mask_) {
      if (pairs_[at].key == key) return pairs_[at].merged;
      if (pairs_[at].key == kEmpty) return kNone;
    }
  }

  // Pieces of a higher score have a lower rank, those of equal scores one rank.
  uint32_t rank(uint32_t piece) const { return ranks_[piece]; }

 private:
  struct Pair {
    uint64_t key;
    uint32_t merged;
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};

  size_t place_of(uint64_t key) const { return static_cast<size_t>(key * 0x9E3779B97F4A7C15ull >> shift_); }
  void rank_pieces(const SentencePieceVocab& vocab);
  void insert(uint32_t left, uint32_t right, uint32_t merged);

  HugeArray<Pair> pairs_;
  size_t mask_ = 0;
  int shift_ = 64;
  std::vector<uint32_t> ranks_;
  uint32_t ascii_[128];
  std::unordered_map<uint32_t, uint32_t> characters_;  // by code point
};

class BpeModel {
 public:
  explicit BpeModel(const SentencePieceVocab& vocab) : vocab_(vocab) {}

  Status load();

  // Appends the pieces of a segment, text that no piece enters or leaves. Where the vocabulary has pieces that are not
  // in use the segment must be the whole text: how one falls apart depends on where it was met last.
  void cut(const uint8_t* segment, size_t length, std::vector<PieceSpan>& out);

 private:
  static constexpr uint32_t kNone = PieceMerges::kNone;
  static constexpr uint64_t kNoPair = ~uint64_t{0};
  // While few, symbols are searched for the best pair; with more the pairs are in a heap.
  static constexpr size_t kFewSymbols = 48;

  struct Symbol {
    uint32_t id;      // kNone: merges with nothing
    uint32_t begin;   // in the segment
    uint32_t merged;  // what it and its right neighbour merge into
    uint32_t next, previous;
  };
  struct Parts {
    uint32_t left, right;
  };

  void start(const uint8_t* segment, size_t length);
  void find_pair(uint32_t left);
  void merge(uint32_t left);
  void merge_few();
  void merge_many();
  void append(uint32_t id, const uint8_t* segment, uint32_t begin, int depth, std::vector<PieceSpan>& out) const;
  uint32_t length_of(uint32_t id, const uint8_t* at) const;
  void release_scratch();

  const SentencePieceVocab& vocab_;
  PieceMerges merges_;
  PieceTrie user_defined_;
  std::vector<Symbol> symbols_;
  std::vector<uint64_t> pairs_;  // by left symbol: rank << 32 | symbol, or kNoPair
  std::vector<uint64_t> heap_;   // of pairs; those that are not what pairs_ has any more are skipped
  bool uses_heap_ = false;
  // What pieces that are not in use were last made of.
  std::unordered_map<uint32_t, Parts> parts_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SENTENCE_PIECE_BPE_H_
