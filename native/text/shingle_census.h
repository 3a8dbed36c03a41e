// How often shingles occur, in a table of fixed size: which are shared by two sets or more, and which of these are
// rare. Collisions make a shingle look more common than it is, never less.
#ifndef MILLRACE_TEXT_SHINGLE_CENSUS_H_
#define MILLRACE_TEXT_SHINGLE_CENSUS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace millrace {

class ShingleCensus {
 public:
  // 2^seen_bits counters of two bits (1 to 32; 0: none, every shingle counts as shared), 2^counter_bits of 32 bits (1
  // to 28; 0: none, all are equally rare).
  ShingleCensus(int seen_bits, int counter_bits);

  // First pass, over every set.
  void see(std::span<const uint64_t> set);
  // False only for shingles that were seen at most once.
  bool is_shared(uint64_t shingle) const {
    if (seen_bits_ == 0) return true;
    const uint64_t at = shingle >> (64 - seen_bits_);
    return (seen_[at >> 2] >> (2 * (at & 3)) & 2) != 0;
  }
  // The shared ones of a set, and how many others it has.
  uint64_t shared_of(std::span<const uint64_t> set, std::vector<uint64_t>* shared) const;

  // Second pass: shared shingles.
  void count(std::span<const uint64_t> shared);
  uint32_t frequency(uint64_t shingle) const {
    return counter_bits_ == 0 ? 0 : counters_[shingle >> (64 - counter_bits_)];
  }
  bool orders() const { return counter_bits_ != 0; }

 private:
  int seen_bits_;
  int counter_bits_;
  std::vector<uint8_t> seen_;  // four counters a byte: 0 never, 1 once, 2 more often
  std::vector<uint32_t> counters_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SHINGLE_CENSUS_H_
