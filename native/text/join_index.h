// The join for crowded buckets: an index of shingle sets that finds, for a set, every indexed one above a Jaccard
// threshold, without comparing all pairs (AllPairs, Bayardo et al. 2007; positions as in PPJoin, Xiao et al. 2008).
//
// All sets order their shingles alike, rare before common. Two sets whose overlap is at least o share a shingle among
// the first |A| - o + 1 of A and the first |B| - o + 1 of B, so only these prefixes are indexed and looked up. What a
// template's documents have in common is common, hence at the end of that order and outside the prefixes: a template by
// itself yields no candidates.
//
// Postings are kept by (shingle, class of set size): the overlap needed grows with the other set's size, so a probe
// looks up a shorter prefix where the indexed sets are larger.
#ifndef MILLRACE_TEXT_JOIN_INDEX_H_
#define MILLRACE_TEXT_JOIN_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/jaccard.h"

namespace millrace {

// Estimates how often shingles occur: adds the sets to counters[2^bits]. Only the order's quality depends on the
// estimate, never the result.
void count_shingles(std::span<const uint64_t> hashes, uint32_t* counters, int bits);

class JoinIndex {
 public:
  // `counters` are borrowed for the life of the index.
  JoinIndex(const uint32_t* counters, int bits, Ratio threshold);

  // Numbers of all inserted sets above the threshold with `set`, and possibly others, ascending in order of insertion.
  // Valid until the next call.
  const std::vector<uint32_t>& probe(std::span<const uint64_t> set);

  void insert(uint32_t number, std::span<const uint64_t> set);

 private:
  // 32 classes an octave, exact below 64: class bounds are integers, the same on every machine.
  static constexpr int kClassBits = 5;
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Posting {
    uint32_t entry;     // index into entries_
    uint32_t position;  // of the shingle in the entry's order
    uint32_t next;
  };
  struct Entry {
    uint32_t number;
    uint32_t size;
  };
  struct Slot {
    uint64_t key;
    uint32_t head;
  };

  static uint32_t class_of(uint64_t size);
  static uint64_t class_floor(uint32_t size_class);
  static uint64_t key_of(uint64_t shingle, uint32_t size_class);

  // Puts the first `length` shingles of the rarity order of `set` into order_.
  void order_prefix(std::span<const uint64_t> set, size_t length);
  void probe_class(uint32_t size_class, uint64_t size);
  Slot& slot_of(uint64_t key);
  void grow();

  const uint32_t* counters_;
  int shift_;
  Ratio threshold_;
  std::vector<Slot> slots_;  // open addressing, a power of two
  size_t used_slots_ = 0;
  std::vector<Posting> postings_;
  std::vector<Entry> entries_;
  std::vector<uint32_t> last_probe_;  // an entry: the probe that last met it
  uint32_t probe_number_ = 0;
  std::vector<uint32_t> classes_;  // sizes met, ascending
  std::vector<std::pair<uint32_t, uint64_t>> order_;
  std::vector<uint32_t> found_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_JOIN_INDEX_H_
