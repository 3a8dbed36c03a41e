// Tokens by their bytes, for the longest one that a text begins with: a trie whose edges are one hash table. Several
// tries share it, each with a root of its own.
#ifndef MILLRACE_TEXT_TOKEN_TRIE_H_
#define MILLRACE_TEXT_TOKEN_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/huge_array.h"

namespace millrace {

class TokenTrie {
 public:
  struct Match {
    size_t length;  // bytes; 0: none
    int32_t id;
  };

  // Room for tokens of that many bytes together (under 2^24), in tries with the roots 0 .. num_roots - 1.
  TokenTrie(size_t num_bytes, uint32_t num_roots);

  // A token that is there already gets the new id.
  void add(uint32_t root, std::string_view token, int32_t id);

  // The longest token that the text begins with; in time of its length.
  Match longest(uint32_t root, const uint8_t* text, size_t length) const {
    Match found{0, 0};
    uint32_t node = root;
    for (size_t i = 0; i < length; ++i) {
      node = child(node, text[i]);
      if (node == kNone) break;
      if (ids_[node] >= 0) found = {i + 1, ids_[node]};
    }
    return found;
  }

 private:
  // An edge is one word: | node it leaves, 24 bits | byte, 8 bits | node it leads to, 32 bits |; zero: an empty slot,
  // as no edge leads to a root.
  static constexpr uint32_t kNone = 0;

  size_t slot_of(uint32_t key) const { return static_cast<size_t>((key * 0x9E3779B97F4A7C15ull) >> shift_); }

  uint32_t child(uint32_t node, uint8_t byte) const {
    const uint32_t key = node << 8 | byte;
    for (size_t slot = slot_of(key);; slot = (slot + 1) & mask_) {
      const uint64_t edge = edges_[slot];
      if (edge == 0) return kNone;
      if (edge >> 32 == key) return static_cast<uint32_t>(edge);
    }
  }

  int shift_;
  size_t mask_;
  HugeArray<uint64_t> edges_;
  std::vector<int32_t> ids_;  // by node; -1: no token ends there
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_TOKEN_TRIE_H_
