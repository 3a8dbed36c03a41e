// SentencePiece's normalisation: the rules of a precompiled charsmap (leftmost, longest first), user-defined symbols
// left as they are, spaces folded and put before or behind the text. Bytes that are not UTF-8 become U+FFFD, one each.
// Gives compact text (sentence_piece_vocab.h) where the model escapes white space.
#ifndef MILLRACE_TEXT_SENTENCE_PIECE_NORMALIZER_H_
#define MILLRACE_TEXT_SENTENCE_PIECE_NORMALIZER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "text/byte_buffer.h"
#include "text/sentence_piece_model.h"
#include "text/sentence_piece_trie.h"

namespace millrace {

// | size of the double array: 4 | double array of 32-bit units (Darts-clone) | replacements, each ended by NUL |
class Charsmap {
 public:
  Charsmap() = default;
  Charsmap(const Charsmap&) = delete;
  Charsmap& operator=(const Charsmap&) = delete;

  // Refuses a charsmap in which a look-up could leave the array or end inside a character.
  Status load(std::string_view bytes);

  bool empty() const { return units_.empty(); }
  // Whether a rule begins with a byte; with two.
  bool begins(uint8_t byte) const;
  bool begins(uint8_t first, uint8_t second) const;

  // Length of the longest rule that `text` begins with, 0: none.
  size_t match(const uint8_t* text, size_t length, std::string_view* replacement) const;

 private:
  std::vector<uint32_t> units_;
  std::string replacements_;
};

class SentencePieceNormalizer {
 public:
  // user_defined: texts of symbols, as they stand in the model.
  Status load(const NormalizerSpec& spec, bool space_is_suffix, const std::vector<std::string_view>& user_defined);

  // Appends the normal form of a text.
  void normalize(const uint8_t* text, size_t length, ByteBuffer& out) const;

 private:
  enum ByteClass : uint8_t { kRule, kPlain, kSpace };

  const uint8_t* copy_plain(const uint8_t* at, const uint8_t* end, bool& after_space, ByteBuffer& out) const;
  // What stands at `text` becomes; returns how many bytes of it that is.
  size_t match(const uint8_t* text, size_t length, std::string_view* becomes) const;
  void append(std::string_view text, ByteBuffer& out) const;

  Charsmap charsmap_;
  PieceTrie user_defined_;
  bool space_is_suffix_ = false, add_dummy_prefix_ = true, remove_extra_ = true, escape_ = true;
  // Of bytes before other ASCII: a rule may begin, the byte stays itself, it is a space that does.
  ByteClass classes_[256] = {};
  // Of ASCII: a rule may go on with a byte above; of others: a rule may begin with them.
  bool begins_rule_[256] = {};
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SENTENCE_PIECE_NORMALIZER_H_
