// Byte-level BPE as GPT-2 does it: pre-tokens, each looked up in a bounded cache and merged on a miss. "<|endoftext|>"
// in a text is ordinary text. Used by one thread at a time; memory is bounded by the longest piece (24 bytes a byte of
// it).
#ifndef MILLRACE_TEXT_BPE_H_
#define MILLRACE_TEXT_BPE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "text/bpe_merge.h"
#include "text/bpe_vocab.h"

namespace millrace {

// A growing array of ids. Unlike std::vector it leaves new room uninitialised and lets the encoder write past the end
// of what is counted, within what was reserved.
class IdBuffer {
 public:
  void clear() { size_ = 0; }
  void reserve(size_t capacity);
  int32_t* end() { return data_.get() + size_; }
  void advance(size_t count) { size_ += count; }
  const int32_t* data() const { return data_.get(); }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

 private:
  std::unique_ptr<int32_t[]> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

class ByteLevelBpe {
 public:
  explicit ByteLevelBpe(BpeVocab vocab);
  ByteLevelBpe(const ByteLevelBpe&) = delete;
  ByteLevelBpe& operator=(const ByteLevelBpe&) = delete;

  size_t vocab_size() const { return vocab_.bytes.size(); }

  // Appends the ids of one text, any bytes (under 4 GiB).
  void encode(const uint8_t* text, size_t length, IdBuffer& out);

  // Appends the bytes of the ids; refuses an id outside the vocabulary.
  Status decode(const int32_t* ids, size_t count, std::string& out) const;

 private:
  // A piece of 1 to 15 bytes with at most 4 ids: bytes zero-padded, the length in the top byte of `high`; how many ids
  // in the top byte of ids[0]. An empty entry has length 0.
  struct CacheEntry {
    uint64_t low, high;
    uint32_t ids[4];
  };
  // Two entries share a cache line, newest first; a miss pushes the older one out. So the cache never grows.
  struct alignas(64) CacheLine {
    CacheEntry entries[2];
  };
  static constexpr int kCacheLineBits = 15;  // 32,768 lines = 2 MiB
  static constexpr size_t kCachedBytes = 15;
  static constexpr size_t kCachedIds = 4;

  void encode_pieces(const uint8_t* text, size_t length, size_t start, const size_t* ends, size_t count, IdBuffer& out);

  BpeVocab vocab_;
  MergeTable table_;
  BpeMerger merger_;
  std::vector<CacheLine> cache_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_BPE_H_
