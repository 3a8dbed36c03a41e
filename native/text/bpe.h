// Byte-level BPE: pre-tokens, each looked up in a bounded cache and merged on a miss. "<|endoftext|>" in a text is
// ordinary text, as all added tokens are. Used by one thread at a time; memory is bounded by the longest piece (24
// bytes a byte of it).
#ifndef MILLRACE_TEXT_BPE_H_
#define MILLRACE_TEXT_BPE_H_

#include <string>
#include <string_view>
#include <unordered_map>

#include "core/status.h"
#include "text/bpe_merge.h"
#include "text/bpe_vocab.h"
#include "text/huge_array.h"
#include "text/pretokenizer.h"

namespace millrace {

// A growing array of ids. Unlike std::vector it leaves new room uninitialised and lets the encoder write past the end
// of what is counted, within what was reserved.
class IdBuffer {
 public:
  void clear() { size_ = 0; }
  void reserve(size_t wanted);
  int32_t* end() { return data_.data() + size_; }
  // What was written from end() up to here counts.
  void set_end(const int32_t* end) { size_ = static_cast<size_t>(end - data_.data()); }
  const int32_t* data() const { return data_.data(); }
  size_t size() const { return size_; }
  size_t capacity() const { return data_.size(); }

 private:
  HugeArray<int32_t> data_;
  size_t size_ = 0;
};

// As GPT-2 has it, unless said otherwise.
struct BpeOptions {
  PretokenPattern pattern = PretokenPattern::kGpt2;
  // A piece that is a token becomes it, whatever the merges say.
  bool ignore_merges = false;
  // A text that is not empty and does not begin with a space gets one.
  bool prefix_space = false;
  // How fast, never what.
  SimdLevel simd = best_simd_level();
};

class ByteLevelBpe {
 public:
  explicit ByteLevelBpe(BpeVocab vocab, const BpeOptions& options = {});
  ByteLevelBpe(const ByteLevelBpe&) = delete;
  ByteLevelBpe& operator=(const ByteLevelBpe&) = delete;

  size_t vocab_size() const { return vocab_.bytes.size(); }

  // Appends the ids of one text, any bytes (under 4 GiB).
  void encode(const uint8_t* text, size_t length, IdBuffer& out);

  // Appends the bytes of the ids; refuses an id outside the vocabulary.
  Status decode(const int32_t* ids, size_t count, std::string& out) const;

 private:
  // A piece of 1 to 15 bytes with at most 4 ids: its bytes zero-padded, in the top byte of `high` the length (bits 56
  // to 59) and how many ids (bits 60 to 63). An empty entry is zero.
  struct CacheEntry {
    uint64_t low, high;
    int32_t ids[4];
  };
  // Entries come in pairs that share a cache line. A piece is looked up at its own place, then at the other; a new one
  // takes its place, whose piece moves over and pushes the other's out. So the cache never grows.
  static constexpr int kCacheBits = 18;  // 262,144 entries = 8 MiB
  static constexpr size_t kCachedBytes = 15;
  static constexpr size_t kCachedIds = 4;

  struct PieceKey {
    uint64_t low, high;
  };
  static PieceKey key_of(const uint8_t* piece, size_t length, size_t available);
  static size_t place_of(PieceKey key);
  static bool holds(const CacheEntry& entry, PieceKey key);

  void encode_text(const uint8_t* text, size_t length, IdBuffer& out);
  int32_t* encode_pieces(const uint8_t* text, size_t length, size_t begin, const uint32_t* ends, size_t count,
                         int32_t* out);
  size_t encode_missed(size_t place, PieceKey key, const uint8_t* piece, size_t length, int32_t* out);

  size_t merge(const uint8_t* piece, size_t length, int32_t* out);

  const BpeVocab vocab_;
  const bool prefix_space_;
  MergeTable table_;
  BpeMerger merger_;
  Pretokenizer pretokenizer_;
  // Where merges are ignored, the tokens that text can become, by their bytes.
  std::unordered_map<std::string_view, uint32_t> whole_;
  std::string prefixed_;
  HugeArray<CacheEntry> cache_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_H_
