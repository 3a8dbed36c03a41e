// The merges of a byte-pair vocabulary as one table: the rank of a pair of neighbouring tokens in two loads and without
// a branch, because every pair has a slot of its own (a perfect hash by displacement: a pair's group has a multiplier
// that was chosen so that no two pairs of the vocabulary meet). A slot is one 64-bit word:
//
//   | 63: 0 | left 21 bits | right 21 bits | rank 21 bits |       all ones: an empty slot
#ifndef MILLRACE_TEXT_MERGE_TABLE_H_
#define MILLRACE_TEXT_MERGE_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/bpe_vocab.h"
#include "text/huge_array.h"

namespace millrace {

class MergeTable {
 public:
  static constexpr uint32_t kNoRank = 0xFFFFFFFFu;
  // No token: forms no pair with any.
  static constexpr uint32_t kNoToken = (1u << 21) - 1;

  explicit MergeTable(const BpeVocab& vocab);

  uint32_t byte_id(uint8_t byte) const { return byte_ids_[byte]; }
  uint32_t byte_rank(uint8_t left, uint8_t right) const { return byte_ranks_[static_cast<size_t>(left) << 8 | right]; }
  size_t num_merges() const { return merged_.size(); }

  // The token that the merge of a rank makes.
  uint32_t merged(uint32_t rank) const { return consecutive_ ? rank + first_merged_ : merged_[rank]; }

  // Rank of the merge of two neighbours, or kNoRank.
  uint32_t rank(uint32_t left, uint32_t right) const {
    const uint64_t key = static_cast<uint64_t>(left) << 21 | right;
    const uint64_t hash = key * multiplier_;
    const uint64_t slot = slots_[slot_of(hash, displacements_[hash >> group_shift_])];
    return slot >> 21 == key ? static_cast<uint32_t>(slot & kRankMask) : kNoRank;
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr uint64_t kRankMask = (1u << 21) - 1;

  size_t slot_of(uint64_t hash, uint32_t displacement) const {
    return static_cast<size_t>((hash >> 20) + displacement * (hash >> 40 | 1)) & slot_mask_;
  }
  bool place_all(const std::vector<BpeMerge>& merges, int slot_bits);

  uint64_t multiplier_ = 0;
  int group_shift_ = 0;
  uint64_t slot_mask_ = 0;
  HugeArray<uint64_t> slots_;
  std::vector<uint16_t> displacements_;
  // Most vocabularies number their tokens in the order of the merges: then merged_ is not read.
  bool consecutive_ = true;
  uint32_t first_merged_ = 0;
  std::vector<uint32_t> merged_;      // by rank
  std::vector<uint32_t> byte_ranks_;  // 256 x 256: pairs of single bytes need no hashing
  std::array<uint32_t, 256> byte_ids_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_MERGE_TABLE_H_
