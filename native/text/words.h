// Words of a document: runs of letters, marks and numbers after NFC and full case folding. A character of a script that
// is written without spaces is a word by itself, so such text shingles by characters; between two such characters, and
// between them and other letters, a word ends.
#ifndef MILLRACE_TEXT_WORDS_H_
#define MILLRACE_TEXT_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "text/unicode.h"

namespace millrace {

// Folded text that the splitter may read kPadding bytes past its end, where there are zeros.
class FoldedText {
 public:
  static constexpr size_t kPadding = 64;

  // NFC and full case folding of valid UTF-8. Valid until the next call; buffers are reused.
  void assign(std::string_view text);

  const uint8_t* data() const { return reinterpret_cast<const uint8_t*>(folded_.data()); }
  size_t size() const { return size_; }

 private:
  std::string composed_;
  std::string folded_;
  size_t size_ = 0;
};

struct AsciiMasks {
  uint64_t word;  // bit i: byte i is an ASCII letter or digit
  uint64_t high;  // bit i: byte i is not ASCII
};

AsciiMasks ascii_masks(const uint8_t* bytes);  // of 64 bytes

// Calls emit(begin, end) for each word of folded text, in order; begin equals the end before where no other character
// stands between two words.
template <typename Emit>
void for_each_word(const FoldedText& folded, Emit&& emit) {
  constexpr uint8_t kWordClass = kLetter | kMark | kNumber;
  const uint8_t* text = folded.data();
  const size_t size = folded.size();
  size_t position = 0;
  size_t begin = 0;
  bool open = false;
  while (position < size) {
    const AsciiMasks masks = ascii_masks(text + position);
    const int limit = masks.high == 0 ? 64 : __builtin_ctzll(masks.high);
    uint64_t edges = masks.word ^ ((masks.word << 1) | static_cast<uint64_t>(open));
    if (limit < 64) edges &= (1ull << limit) - 1;
    for (; edges != 0; edges &= edges - 1) {
      const size_t edge = position + static_cast<size_t>(__builtin_ctzll(edges));
      if (open) {
        emit(begin, edge);
      } else {
        begin = edge;
      }
      open = !open;
    }
    position += static_cast<size_t>(limit);
    while (position < size && text[position] >= 0x80) {
      const size_t start = position;
      const uint8_t kind = char_class(decode_utf8(text, position));
      const bool alone = (kind & kUnspaced) != 0;
      const bool joins = (kind & kWordClass) != 0 && !alone;
      if (open && !joins) {
        emit(begin, start);
        open = false;
      } else if (!open && joins) {
        begin = start;
        open = true;
      }
      if (alone && (kind & kWordClass) != 0) emit(start, position);
    }
  }
  if (open) emit(begin, size);
}

}  // namespace millrace

#endif  // MILLRACE_TEXT_WORDS_H_
