// Words of a document: runs of letters, marks and numbers after NFC and full case folding. A character of a script that
// is written without spaces is a word by itself, so such text shingles by characters; between two such characters, and
// between them and other letters, a word ends. One pass folds the text and notes where words begin and end, piece by
// piece, so that what is done with the words of a piece happens in the cache.
#ifndef MILLRACE_TEXT_WORDS_H_
#define MILLRACE_TEXT_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "text/nfc_check.h"
#include "text/simd_level.h"
#include "text/unicode.h"

namespace millrace {

class WordSplitter {
 public:
  // Text that one call of next() takes, at least, unless it ends before.
  static constexpr size_t kPieceBytes = 8192;
  // Bytes behind the folded text that may be read.
  static constexpr size_t kPadding = 128;

  explicit WordSplitter(SimdLevel level);

  // Begins with the first piece of a text, valid UTF-8 that stays where it is until the last.
  void start(std::string_view text);

  enum class Step {
    kMore,         // words are here, and there may be others
    kEnd,          // the last words are here
    kNotComposed,  // the text may not be NFC: everything so far is void, compose() goes back to the start
  };
  Step next();

  // Begins again with the NFC form of the text.
  void compose();

  // Of the last piece: word i is folded()[edges[2 * i] .. edges[2 * i + 1]). A word begins where the one before ends
  // when no other character stands between them.
  std::span<const uint32_t> edges() const { return {edges_.get(), num_edges_ / 2 * 2}; }
  // All that has been folded since the start. Valid until the next start or compose.
  const uint8_t* folded() const { return folded_.get(); }
  size_t folded_bytes() const { return folded_bytes_; }

 private:
  void reserve(size_t text_bytes);
  void begin(std::string_view text, bool check);
  bool fold_characters(size_t limit);

  SimdLevel level_;
  std::string_view text_;
  std::string composed_;
  NfcCheck nfc_;
  bool check_nfc_ = true;
  size_t position_ = 0;

  std::unique_ptr<uint8_t[]> folded_;
  size_t capacity_ = 0;
  size_t folded_bytes_ = 0;
  // Alternating begins and ends; an odd count leaves a word open.
  std::unique_ptr<uint32_t[]> edges_;
  size_t num_edges_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_WORDS_H_
