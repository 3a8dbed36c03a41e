// Shingles of a document: hashes of every run of `size` consecutive units, where a unit is a word (words.h) or, by
// choice, a character. Fewer units than `size`: the units together are the one shingle. No word at all: the folded text
// itself is.
//
// The normalised text is what the shingles see: the words in order with one space between two (units of characters:
// with one space where other characters stood between two words); without a word, the folded text.
#ifndef MILLRACE_TEXT_SHINGLES_H_
#define MILLRACE_TEXT_SHINGLES_H_

#include <string_view>
#include <vector>

#include "text/words.h"
#include "text/words_hash.h"

namespace millrace {

enum class ShingleUnit { kWord, kCharacter };

struct Shingling {
  ShingleUnit unit = ShingleUnit::kWord;
  int size = 5;
};

// Shingles one document at a time; buffers are reused, so one Shingler serves a whole block.
class Shingler {
 public:
  explicit Shingler(Shingling shingling);

  // One hash a position, in order, repeats included; never empty. Valid until the next call.
  const std::vector<uint64_t>& shingle(std::string_view text);

  // Of the document last shingled.
  Hash128 content_hash() const { return content_; }
  uint32_t normalized_bytes() const { return normalized_bytes_; }

 private:
  void split_words();
  void split_characters();
  void add_unit(const uint8_t* bytes, size_t length);
  void hash_runs();

  Shingling shingling_;
  uint64_t top_power_;  // of the oldest unit in a full run
  FoldedText folded_;
  std::vector<uint64_t> units_;
  std::vector<uint64_t> shingles_;
  Hash128 content_{};
  uint32_t normalized_bytes_ = 0;
};

// Sorts and removes repeats: the set that exact Jaccard is defined on.
void make_set(std::vector<uint64_t>& hashes);

}  // namespace millrace

#endif  // MILLRACE_TEXT_SHINGLES_H_
