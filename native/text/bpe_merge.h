// The merge loops of byte-pair encoding: from the bytes of one pre-token to the ids it becomes. The pair with the
// lowest rank merges first, of equal ones the leftmost, until no neighbours form a pair.
//
// Pairs are looked up in an open-addressed table of 64-bit words, each one merge:
//
//   | 63: 0 | left 21 bits | right 21 bits | rank 21 bits |       all ones: an empty slot
#ifndef MILLRACE_TEXT_BPE_MERGE_H_
#define MILLRACE_TEXT_BPE_MERGE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/bpe_vocab.h"

namespace millrace {

class MergeTable {
 public:
  static constexpr uint32_t kNoRank = 0xFFFFFFFFu;

  explicit MergeTable(const BpeVocab& vocab);

  uint32_t byte_id(uint8_t byte) const { return byte_ids_[byte]; }
  uint32_t byte_rank(uint8_t left, uint8_t right) const { return byte_ranks_[static_cast<size_t>(left) << 8 | right]; }
  uint32_t merged(uint32_t rank) const { return merged_[rank]; }
  size_t num_merges() const { return merged_.size(); }

  // Rank of the merge of two neighbours, or kNoRank.
  uint32_t rank(uint32_t left, uint32_t right) const {
    const uint64_t key = static_cast<uint64_t>(left) << 21 | right;
    for (size_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      const uint64_t entry = slots_[slot];
      if (entry >> 21 == key) return static_cast<uint32_t>(entry & kRankMask);
      if (entry == kEmpty) return kNoRank;
    }
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr uint64_t kRankMask = (1u << 21) - 1;

  size_t slot_of(uint64_t key) const { return static_cast<size_t>((key * 0x9E3779B97F4A7C15ull) >> shift_); }

  std::vector<uint64_t> slots_;
  size_t mask_ = 0;
  int shift_ = 0;
  std::vector<uint32_t> merged_;      // by rank
  std::vector<uint32_t> byte_ranks_;  // 256 x 256: pairs of single bytes need no probing
  std::array<uint32_t, 256> byte_ids_;
};

// Merges pieces of any length; keeps scratch memory between calls, so one per thread.
class BpeMerger {
 public:
  explicit BpeMerger(const MergeTable& table) : table_(table) {}

  // Writes the ids of a piece of `length` >= 1 bytes (under 4 GiB) to `out`, which has room for `length`; returns how
  // many.
  size_t merge(const uint8_t* piece, size_t length, int32_t* out);

 private:
  // Scanning all pairs for the lowest rank is quadratic but fastest while everything fits the first-level cache.
  static constexpr size_t kShortPiece = 128;
  static constexpr uint32_t kNone = 0xFFFFFFFFu;

  size_t merge_short(const uint8_t* piece, size_t length, int32_t* out) const;
  size_t merge_long(const uint8_t* piece, size_t length, int32_t* out);
  void start_long(const uint8_t* piece, uint32_t length);
  void merge_rank(uint32_t rank);
  void set_rank(uint32_t position, uint32_t rank);
  void push_rank(uint32_t rank);
  void release_scratch();

  const MergeTable& table_;
  // A long piece is a linked list of symbols at the positions of their first bytes. For each rank that occurs, the
  // positions whose pair had it when they were entered (stale ones are skipped); a heap holds the ranks with positions.
  std::vector<uint32_t> ids_, next_, previous_, ranks_;
  std::vector<std::vector<uint32_t>> positions_;
  std::vector<uint32_t> heap_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_MERGE_H_
