// GPT-2's pre-tokenizer: cuts text into the pieces inside which byte-pair merges happen. Hand-written equivalent of
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// with \s = the property White_Space (so U+0085 is white space and U+FEFF is not). A byte that is not part of valid
// UTF-8 counts as one character of the third kind: any input is cut, none is refused, and nothing is read past
// `length`.
//
// No piece depends on where an earlier one began, contractions aside: so a window of text is classified 64 bytes a
// word, and arithmetic on the words finds all places in it at which a piece begins.
#ifndef MILLRACE_TEXT_PRETOKENIZE_H_
#define MILLRACE_TEXT_PRETOKENIZE_H_

#include <cstddef>
#include <cstdint>

#include "text/byte_classes.h"

namespace millrace {

class Gpt2Pretokenizer {
 public:
  static constexpr size_t kWindowBlocks = 64;
  // How many ends one call finds at most, and how many elements past the last it may write.
  static constexpr size_t kMaxEnds = 64 * kWindowBlocks;
  static constexpr size_t kSlack = 8;

  explicit Gpt2Pretokenizer(SimdLevel level = best_simd_level()) : classify_(classify_bytes_for(level)) {}

  // Begins a text, under 4 GiB, that stays where it is until the last next().
  void start(const uint8_t* text, size_t length);

  // Writes the ends of the next pieces (room for kMaxEnds + kSlack) and returns how many: 0 after the last. Pieces are
  // never empty and leave no gap.
  size_t next(uint32_t* ends);

  // Whether pieces of the last next() may have bytes from 0x80 on.
  bool any_wide() const { return any_wide_; }

 private:
  // One word more than a window has: a character may end beyond it.
  static constexpr size_t kWords = kWindowBlocks + 1;

  void classify_window(size_t size);
  void classify_wide(size_t num_blocks);
  void find_starts(size_t size);
  struct Contraction {
    size_t begin, end;  // in the text
  };
  void join_contractions(size_t block);
  void join(Contraction contraction);
  size_t emit(size_t num_blocks, uint32_t* ends) const;

  ClassifyBytes classify_;
  const uint8_t* text_ = nullptr;
  size_t length_ = 0;
  size_t position_ = 0;  // of the window
  // The last byte before the window, as bit 0: what is before the text is in no class.
  struct {
    uint64_t letters, numbers, others, white, spaces;
  } before_ = {};
  // A contraction that reaches into this window; end 0: none.
  Contraction contraction_ = {};
  // How many bytes of the window's last block, which is looked at again, belong to a character that began before it.
  size_t spill_ = 0;
  bool any_wide_ = false;
  bool any_wide_white_ = false;
  ByteClasses classes_[kWords];
  // First bytes of white characters of two and of three bytes; set only where any_wide_white_.
  uint64_t white2_[kWords], white3_[kWords];
  uint64_t starts_[kWords];
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_PRETOKENIZE_H_
