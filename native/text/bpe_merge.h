// The merge loops of byte-pair encoding: from the bytes of one pre-token to the ids it becomes. The pair with the
// lowest rank merges first, of equal ones the leftmost, until no neighbours form a pair. Loops with one result: for
// words, for pieces of up to 128 bytes, and for pieces of any length, whose time is near-linear.
#ifndef MILLRACE_TEXT_BPE_MERGE_H_
#define MILLRACE_TEXT_BPE_MERGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "text/merge_table.h"
#include "text/merge_word.h"

namespace millrace {

// Merges pieces of any length; keeps scratch memory between calls, so one per thread.
class BpeMerger {
 public:
  explicit BpeMerger(const MergeTable& table, SimdLevel level = best_simd_level())
      : table_(table), merge_word_(merge_word_for(level)) {}

  // Writes the ids of a piece of `length` >= 1 bytes (under 4 GiB) to `out`, which has room for `length`; returns how
  // many.
  size_t merge(const uint8_t* piece, size_t length, int32_t* out);

 private:
  // Scanning groups of pairs for the lowest rank is quadratic but faster than a heap while there are few.
  static constexpr size_t kShortPiece = 128;
  static constexpr uint32_t kNone = 0xFFFFFFFFu;

  size_t merge_short(const uint8_t* piece, size_t length, int32_t* out) const;
  size_t merge_long(const uint8_t* piece, size_t length, int32_t* out);
  void start_long(const uint8_t* piece, uint32_t length);
  bool merge_rank(uint32_t rank);
  void merge_singly();
  template <typename Enter>
  void merge_at(uint32_t position, const Enter& enter);
  void set_rank(uint32_t position, uint32_t rank);
  void push_rank(uint32_t rank);
  void release_scratch();

  const MergeTable& table_;
  const MergeWord merge_word_;
  // A long piece is a linked list of symbols at the positions of their first bytes. For each rank that occurs, the
  // positions whose pair had it when they were entered (stale ones are skipped); a heap holds the ranks with positions.
  std::vector<uint32_t> ids_, next_, previous_, ranks_;
  std::vector<std::vector<uint32_t>> positions_;
  std::vector<uint32_t> heap_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_MERGE_H_
