// Where a piece can be cut without changing its ids: between two bytes at which no merge of the vocabulary joins two
// tokens. What stands on the two sides never meets. In GPT-2's vocabulary nearly every border between two Chinese
// characters is one, so that their ids come from the cache character by character.
#ifndef MILLRACE_TEXT_MERGE_BORDERS_H_
#define MILLRACE_TEXT_MERGE_BORDERS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "text/bpe_vocab.h"

namespace millrace {

class MergeBorders {
 public:
  // With `none`, no piece is cut.
  explicit MergeBorders(const BpeVocab& vocab, bool none) {
    if (none) joined_.fill(0xFFFFFFFFu);
    for (const BpeMerge& merge : vocab.merges) {
      const uint8_t left = static_cast<uint8_t>(vocab.bytes[merge.left].back());
      const uint8_t right = static_cast<uint8_t>(vocab.bytes[merge.right].front());
      joined_[8 * left + right / 32] |= 1u << right % 32;
    }
  }

  // Whether a merge joins tokens that end and begin with these bytes.
  bool joins(uint8_t left, uint8_t right) const { return (joined_[8 * left + right / 32] >> right % 32 & 1) != 0; }

  // The first border behind `begin` + 1 bytes of text, or `end`.
  size_t next(const uint8_t* text, size_t begin, size_t end) const {
    size_t position = begin + 1;
    while (position < end && joins(text[position - 1], text[position])) ++position;
    return position;
  }

 private:
  std::array<uint32_t, 256 * 8> joined_ = {};  // a bit for each pair of bytes
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_MERGE_BORDERS_H_
