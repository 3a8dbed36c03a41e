// The exact join: finds, for a set of shingles, every set in it above a Jaccard threshold, without comparing all pairs
// (AllPairs, Bayardo et al. 2007; positions as in PPJoin, Xiao et al. 2008).
//
// All sets order their shingles alike, rare before common. Two sets whose overlap is at least o share a shingle among
// the first |A| - o + 1 of A and the first |B| - o + 1 of B, so only these prefixes are indexed and looked up. What a
// template's documents have in common is common, hence at the end of that order and outside the prefixes: a template by
// itself yields no candidates. Shingles that no other set has come first and match nothing: they are neither indexed
// nor looked up, and a set whose prefix holds only such has no partner at all.
//
// Long lists of postings are kept by class of set size: the overlap needed grows with the other set's size, so a probe
// looks up a shorter prefix where the sets in the join are larger.
#ifndef MILLRACE_TEXT_JOIN_H_
#define MILLRACE_TEXT_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "text/jaccard.h"
#include "text/join_tables.h"
#include "text/shingle_census.h"

namespace millrace {

struct JoinConfig {
  Ratio threshold;
  int seen_bits;  // see ShingleCensus
  int counter_bits;
  uint64_t capacity_bytes;  // of the sets in the join and their index; one set is taken at any size
};

struct JoinMatch {
  uint32_t number;  // of the set in the join
  uint32_t intersection_size;
  uint32_t union_size;
};

class Join {
 public:
  explicit Join(const JoinConfig& config);

  // First and second pass over every set that will be joined, each once; both or neither (seen_bits 0).
  void see(std::span<const uint64_t> hashes) { census_.see(hashes); }
  // Whether the set may have a partner above the threshold.
  bool select(std::span<const uint64_t> set);

  // Sets in the join that are above the threshold with `set`, in the order of putting; valid until the next call.
  const std::vector<JoinMatch>& find(std::span<const uint64_t> set);
  // Puts in the set that was last looked for. False when it finds no room.
  bool put(uint32_t number, std::span<const uint64_t> set);
  void clear();

 private:
  // 32 classes an octave, exact below 64: class bounds are integers, the same on every machine.
  static constexpr int kClassBits = 5;

  struct Entry {
    const uint64_t* set;
    uint32_t number;
    uint32_t size;
  };

  // What a probe asks of every posting that it passes, side by side.
  struct Seen {
    uint32_t probe;  // the last one that found the entry
    uint32_t size;
  };

  static uint32_t class_of(uint64_t size);
  static uint64_t class_floor(uint32_t size_class);

  uint64_t prefix_length(uint64_t size) const;
  // Puts the prefix of the set's rarity order into prefix_, its own shingles left out, and their number into first_.
  void order_prefix(std::span<const uint64_t> set);
  // How long a prefix is looked up in each class that could hold a partner; returns their mask.
  uint64_t bound_classes(uint64_t size);
  void collect(uint64_t size);
  bool has_room(uint64_t size) const;

  Ratio threshold_;
  uint64_t capacity_;
  ShingleCensus census_;
  SetPool pool_;
  PostingTable postings_;
  std::vector<Entry> entries_;
  std::vector<ParitySketch> sketches_;  // of the entries
  std::vector<Seen> seen_;              // by entry
  uint32_t probe_number_ = 0;
  std::vector<uint32_t> classes_;        // of sets in the join, ascending
  std::vector<uint32_t> class_lengths_;  // a class: the length of the prefix that this probe looks up
  uint32_t lowest_class_ = 0;            // of this probe
  uint32_t highest_class_ = 0;

  std::vector<uint64_t> shared_;
  std::vector<uint64_t> order_;   // frequency << 32 | index into shared_
  std::vector<uint64_t> prefix_;  // prefix_[i] stands at position first_ + i of the order
  uint64_t first_ = 0;
  std::vector<uint32_t> found_;
  std::vector<JoinMatch> matches_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_JOIN_H_
