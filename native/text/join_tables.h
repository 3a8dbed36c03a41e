// What the join holds in memory: the sets, and postings by (shingle, size class). Every byte is accounted for.
#ifndef MILLRACE_TEXT_JOIN_TABLES_H_
#define MILLRACE_TEXT_JOIN_TABLES_H_

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "text/words_hash.h"

namespace millrace {

// Sets that stay where they are.
class SetPool {
 public:
  const uint64_t* add(std::span<const uint64_t> set) {
    if (chunks_.empty() || left_ < set.size()) {
      const size_t size = std::max(set.size(), kChunk);
      chunks_.emplace_back(new uint64_t[size]);
      next_ = chunks_.back().get();
      left_ = size;
      bytes_ += size * sizeof(uint64_t);
    }
    uint64_t* target = next_;
    std::memcpy(target, set.data(), set.size_bytes());
    next_ += set.size();
    left_ -= set.size();
    return target;
  }

  uint64_t bytes() const { return bytes_; }
  uint64_t bytes_to_add(uint64_t size) const {
    return left_ >= size ? 0 : std::max<uint64_t>(size, kChunk) * sizeof(uint64_t);
  }

 private:
  static constexpr size_t kChunk = 1u << 15;

  std::vector<std::unique_ptr<uint64_t[]>> chunks_;
  uint64_t* next_ = nullptr;
  size_t left_ = 0;
  uint64_t bytes_ = 0;
};

// The parities of how many elements of a set fall on each of 1,024 bits. Where two sketches differ, the sets do: no two
// sets have more in common than their sizes less the bits that differ, halved (Sandes et al. 2020, bitmap filter).
struct ParitySketch {
  std::array<uint64_t, 16> words{};

  explicit ParitySketch(std::span<const uint64_t> set) {
    // The upper bits order a set; those below them are as good as independent of its neighbours.
    for (const uint64_t element : set) words[element >> 6 & 15] ^= uint64_t{1} << (element & 63);
  }

  uint64_t most_in_common(const ParitySketch& other, uint64_t sum_of_sizes) const {
    uint64_t differing = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      differing += static_cast<uint64_t>(std::popcount(words[i] ^ other.words[i]));
    }
    return (sum_of_sizes - differing) / 2;
  }
};

// Postings by shingle. The first of a shingle are one short list, whatever the size of their sets; further ones are
// kept by class of size, so that a probe passes over what is too long to scan and cannot match.
class PostingTable {
 public:
  struct Posting {
    uint32_t entry;
    uint32_t position;  // of the shingle in the entry's order
  };
  struct List {
    uint64_t key;
    uint64_t classes;  // mask of the classes (modulo 64) that have lists of their own
    uint32_t begin;    // in cells_, room for the next power of two
    uint32_t used;     // postings; 0: no list
  };

  PostingTable() : lists_(kLeastSlots, List{}), class_lists_(kLeastSlots, List{}) {}

  // The list of a shingle, empty where there is none.
  const List& operator[](uint64_t shingle) const { return lists_[find(lists_, shingle)]; }
  const List& of_class(uint64_t shingle, uint32_t size_class) const {
    return class_lists_[find(class_lists_, key_of(shingle, size_class))];
  }
  std::span<const Posting> postings(const List& list) const { return {cells_.data() + list.begin, list.used}; }
  // For a probe that will look the shingle up soon: first its list, then what is in it.
  void prefetch_list(uint64_t shingle) const { __builtin_prefetch(&lists_[mix64(shingle) & (lists_.size() - 1)]); }
  void prefetch_postings(uint64_t shingle) const {
    const List& list = lists_[mix64(shingle) & (lists_.size() - 1)];
    if (list.used != 0) __builtin_prefetch(&cells_[list.begin]);
  }

  void add(uint64_t shingle, uint32_t size_class, uint32_t entry, uint32_t position);

  uint64_t bytes() const {
    uint64_t bytes = (lists_.size() + class_lists_.size()) * sizeof(List) + cells_.capacity() * sizeof(Posting);
    for (const std::vector<uint32_t>& rooms : free_rooms_) bytes += rooms.capacity() * sizeof(uint32_t);
    return bytes;
  }
  // More than is held now, while `count` postings are added: tables and lists grow by copying.
  uint64_t bytes_to_add(uint64_t count) const;

 private:
  static constexpr size_t kLeastSlots = 1024;
  static constexpr uint32_t kFirstRoom = 2;
  // The length of a short list: that of sets of any size.
  static constexpr uint32_t kShort = 64;

  static uint64_t key_of(uint64_t shingle, uint32_t size_class) { return shingle + (uint64_t{size_class} + 1) * kMixB; }
  static size_t find(const std::vector<List>& lists, uint64_t key) {
    const size_t mask = lists.size() - 1;
    size_t at = mix64(key) & mask;
    while (lists[at].used != 0 && lists[at].key != key) at = (at + 1) & mask;
    return at;
  }
  static List& claim(std::vector<List>* lists, size_t* used, uint64_t key);
  void append(List* list, Posting posting);
  uint32_t take_room(uint32_t size);

  std::vector<List> lists_;  // open addressing, powers of two, at most half full
  std::vector<List> class_lists_;
  size_t used_lists_ = 0;
  size_t used_class_lists_ = 0;
  // A list lies in one place, with room for a power of two, and moves when that is full; free_rooms_[k] are places for
  // 2^k that lists have left.
  std::vector<Posting> cells_;
  std::array<std::vector<uint32_t>, 32> free_rooms_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_JOIN_TABLES_H_
