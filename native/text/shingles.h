// Shingles of a document: hashes of every run of `size` consecutive units, where a unit is a word (words.h) or, by
// choice, a character. Fewer units than `size`: the units together are the one shingle. No word at all: the folded text
// itself is.
//
// The normalised text is what the shingles see: the words in order with one space between two (units of characters:
// with one space where other characters stood between two words); without a word, the folded text.
#ifndef MILLRACE_TEXT_SHINGLES_H_
#define MILLRACE_TEXT_SHINGLES_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/sequence_hash.h"
#include "text/words.h"
#include "text/words_hash.h"

namespace millrace {

enum class ShingleUnit { kWord, kCharacter };

struct Shingling {
  ShingleUnit unit = ShingleUnit::kWord;
  int size = 5;
};

// Takes the hashes of a document's shingles as they come, while they are in the cache.
class ShingleSink {
 public:
  virtual ~ShingleSink() = default;
  // A document begins. One that has begun may begin again: what was added of it is void.
  virtual void begin_document() = 0;
  // The next shingles in order, repeats included.
  virtual void add_shingles(const uint64_t* hashes, size_t count) = 0;
};

// Shingles one document at a time; buffers are reused, so one Shingler serves a whole block.
class Shingler {
 public:
  explicit Shingler(Shingling shingling, SimdLevel level = best_simd_level());

  // Valid UTF-8; gives `sink` at least one shingle.
  void shingle(std::string_view text, ShingleSink& sink);

  // Of the document last shingled.
  Hash128 content_hash() const { return content_; }
  uint64_t normalized_bytes() const { return normalized_bytes_; }

 private:
  void begin_document(ShingleSink& sink);
  bool shingle_pieces(ShingleSink& sink);
  void hash_words();
  void hash_characters();
  void reserve_units(size_t count);
  void add_units(ShingleSink& sink);
  void finish(ShingleSink& sink);

  Shingling shingling_;
  SimdLevel level_;
  WordSplitter words_;
  // Hashes of units: first those that the next run begins with (low halves alone), then those of the piece. The vectors
  // only grow.
  std::vector<uint64_t> lows_;
  std::vector<uint64_t> highs_;
  size_t num_carried_ = 0;
  size_t num_new_ = 0;
  std::vector<uint64_t> shingles_;
  uint64_t num_units_ = 0;  // before the piece
  size_t last_end_ = 0;
  Hash128 content_{};
  uint64_t normalized_bytes_ = 0;
};

// The set that exact Jaccard is defined on: ascending hashes, each once.
class ShingleSet : public ShingleSink {
 public:
  void begin_document() override { hashes_.clear(); }
  void add_shingles(const uint64_t* hashes, size_t count) override {
    hashes_.insert(hashes_.end(), hashes, hashes + count);
  }
  // Sorts what was added and removes repeats; valid until the next document begins.
  const std::vector<uint64_t>& finish();

 private:
  std::vector<uint64_t> hashes_;
  std::vector<uint64_t> scratch_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SHINGLES_H_
