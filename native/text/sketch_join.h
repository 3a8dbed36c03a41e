// Joins a sample of documents with others by their sketches. A sketch holds the least kSketchSize upper halves of a
// document's shingle hashes, each once, ascending, then kSketchEnd. The least values of two documents
// together are in both with the probability of their similarity s, so a pair is not found with one of (1 -
// s)^kSketchSize.
#ifndef MILLRACE_TEXT_SKETCH_JOIN_H_
#define MILLRACE_TEXT_SKETCH_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace {

constexpr size_t kSketchSize = 16;
constexpr uint32_t kSketchEnd = UINT32_MAX;

class SketchIndex {
 public:
  struct Match {
    uint32_t sampled;  // place in the sample
    uint32_t row;
    // How many of the least kSketchSize values of the two together are in both: binomial with their similarity. When
    // the two have fewer values together: in proportion, rounded down. 1 to kSketchSize.
    uint32_t level;
  };

  // kSketchSize values a sampled document; copied.
  SketchIndex(const uint32_t* sketches, size_t num_sampled);

  // Pairs at min_level or above of sampled documents and rows with taken[row] != 0, by row. Valid until the next call.
  const std::vector<Match>& match(const uint32_t* sketches, const uint8_t* taken, size_t num_rows, uint32_t min_level);

 private:
  struct Slot {
    uint32_t value;
    uint32_t begin;   // into holders_
    uint32_t length;  // 0: empty
  };

  void count_common(const uint32_t* sketch);
  Slot& slot_of(uint32_t value);

  std::vector<uint32_t> sampled_;  // their sketches
  std::vector<uint8_t> sizes_;     // values in each sampled sketch
  std::vector<uint64_t> filter_;   // one bit a hash; most values of most corpora end here
  int filter_shift_;
  std::vector<Slot> slots_;  // open addressing, a power of two
  int slot_shift_;
  std::vector<uint32_t> holders_;  // sampled documents by value
  std::vector<uint8_t> common_;    // by sampled document: values in common with the row at hand
  std::vector<uint32_t> touched_;  // sampled documents with any; room for one more than there are
  size_t num_touched_ = 0;
  std::vector<Match> matches_;
};

}  // namespace millrace

#endif  // MILLRACE_TEXT_SKETCH_JOIN_H_
