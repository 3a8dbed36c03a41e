// Bottom-k sketch of a document (Broder, "On the resemblance and containment of documents", 1997): the least upper
// halves of its shingles' hashes. The least of all is common to two documents at similarity J with probability J, so
// sketches that share nothing are a sign of low similarity.
#ifndef MILLRACE_TEXT_SKETCH_H_
#define MILLRACE_TEXT_SKETCH_H_

#include <cstddef>
#include <cstdint>

#include "text/simd_level.h"

namespace millrace {

class Sketch {
 public:
  static constexpr size_t kSize = 16;

  explicit Sketch(SimdLevel level) : level_(level) {}

  // A document: begin, add its shingles in any number of calls, take the values.
  void begin() { num_least_ = 0; }
  void add(const uint64_t* shingles, size_t count);
  // Each value once, ascending; 2^32 - 1 in the places left.
  void values(uint32_t* out) const;

 private:
  // Candidates stand behind the least values until so many have come, and one vector more.
  static constexpr size_t kWaiting = 64;
  static constexpr size_t kLanes = 16;

  void add_up_to(uint32_t limit, const uint64_t* shingles, size_t count);
  void settle(size_t num_values);

  SimdLevel level_;
  size_t num_least_ = 0;
  uint32_t least_[kSize + kWaiting + kLanes];
};

// What a search for candidates has come to: `next` shingles looked at, `num_found` candidates in `found`.
struct SketchSearch {
  size_t next;
  size_t num_found;
  uint32_t* found;
};
// Looks at 16 shingles at a time for upper halves of at most `limit`, while 16 are left and fewer than `enough` are
// found.
void search_sketch_avx512(const uint64_t* shingles, size_t count, uint32_t limit, size_t enough, SketchSearch& search);
// Sorts up to 32 values.
void sort_sketch_avx512(uint32_t* values, size_t count);

}  // namespace millrace

#endif  // MILLRACE_TEXT_SKETCH_H_
