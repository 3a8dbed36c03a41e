// From keys to candidates: documents with one key form a bucket, a bucket's members are candidates of one another.
#ifndef MILLRACE_TEXT_BAND_BUCKETS_H_
#define MILLRACE_TEXT_BAND_BUCKETS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace {

struct BucketPairs {
  // lower document << 32 | higher document, ascending.
  std::vector<uint64_t> pairs;
  // Members of buckets of more than max_bucket documents, ascending: their pairs are found by a join (join_index.h).
  std::vector<uint32_t> crowded;
};

// `keys` and `documents` (ascending, each once) are reordered.
BucketPairs bucket_pairs(uint64_t* keys, uint32_t* documents, size_t count, size_t max_bucket);

struct EqualGroups {
  // Rows of each group ascending; groups ordered by their first row; group g is members[offsets[g] .. offsets[g + 1]).
  std::vector<uint32_t> members;
  std::vector<uint32_t> offsets;
};

// Rows with equal hashes (two words a row), groups of two or more.
EqualGroups equal_groups(const uint64_t* hashes, size_t count);

}  // namespace millrace

#endif  // MILLRACE_TEXT_BAND_BUCKETS_H_
