// GPT-2's pre-tokenizer: cuts text into the pieces inside which byte-pair merges happen. Hand-written equivalent of
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// with \s = the property White_Space (so U+0085 is white space and U+FEFF is not). A byte that is not part of valid
// UTF-8 counts as one character of the third kind: any input is cut, none is refused, and nothing is read past
// `length`.
#ifndef MILLRACE_TEXT_PRETOKENIZE_H_
#define MILLRACE_TEXT_PRETOKENIZE_H_

#include <cstddef>
#include <cstdint>

namespace millrace {

// Writes the ends of the next pieces from `position` on, at most `capacity` of them, and returns how many: 0 only when
// position == length. Pieces are never empty and leave no gap.
size_t next_pretokens(const uint8_t* text, size_t length, size_t position, size_t* ends, size_t capacity);

}  // namespace millrace

#endif  // MILLRACE_TEXT_PRETOKENIZE_H_
