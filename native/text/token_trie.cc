#include "text/token_trie.h"

#include <algorithm>
#include <bit>

namespace millrace {

TokenTrie::TokenTrie(size_t num_bytes, uint32_t num_roots) : ids_(num_roots, -1) {
  // Half full at most, and never without an empty slot.
  const size_t size = std::bit_ceil(std::max<size_t>(2, 2 * num_bytes));
  mask_ = size - 1;
  shift_ = 64 - std::countr_zero(size);
  edges_ = HugeArray<uint64_t>(size);
}

void TokenTrie::add(uint32_t root, std::string_view token, int32_t id) {
  uint32_t node = root;
  for (const char c : token) {
    const uint8_t byte = static_cast<uint8_t>(c);
    uint32_t next = child(node, byte);
    if (next == kNone) {
      next = static_cast<uint32_t>(ids_.size());
      ids_.push_back(-1);
      const uint32_t key = node << 8 | byte;
      size_t slot = slot_of(key);
      while (edges_[slot] != 0) slot = (slot + 1) & mask_;
      edges_[slot] = static_cast<uint64_t>(key) << 32 | next;
    }
    node = next;
  }
  ids_[node] = id;
}

}  // namespace millrace
