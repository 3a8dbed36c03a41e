// A set of byte strings with a value each, followed byte by byte: a double array, one 64-bit unit a node and one load a
// step. The child of a node by a byte is the unit at (base ^ byte), if that unit bears the byte:
//
//   | value + 1: 32, 0: no key ends here | base: 23 | 1: used | byte: 8 |
//
// No two nodes have one base, so the byte alone tells whose child a unit is.
#ifndef MILLRACE_TEXT_SENTENCE_PIECE_TRIE_H_
#define MILLRACE_TEXT_SENTENCE_PIECE_TRIE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "text/huge_array.h"

namespace millrace {

class PieceTrie {
 public:
  struct Key {
    std::string_view text;  // not empty
    int32_t value;          // not negative
  };

  // Keys in any order, each once.
  Status build(std::vector<Key> keys);

  bool empty() const { return units_.size() == 0; }

  // The units of the root, of a child, and what they say. Not for an empty trie.
  uint64_t root() const { return units_[0]; }
  // False: no key goes on this way.
  bool step(uint64_t& unit, uint8_t byte) const {
    const uint64_t next = units_[(static_cast<uint32_t>(unit) >> 9) ^ byte];
    if ((next & 0x1FF) != (0x100u | byte)) return false;
    unit = next;
    return true;
  }
  // The value of the key that ends at a unit, or -1.
  static int32_t value(uint64_t unit) { return static_cast<int32_t>(unit >> 32) - 1; }

  // Length of the longest of the first `most` keys (by length) that `text` begins with; 0: none.
  size_t longest_prefix(const uint8_t* text, size_t length, size_t most) const;

 private:
  HugeArray<uint64_t> units_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SENTENCE_PIECE_TRIE_H_
