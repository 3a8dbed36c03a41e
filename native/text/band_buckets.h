// From keys to candidates: documents with one key form a bucket, a bucket's members are candidates of one another.
#ifndef MILLRACE_TEXT_BAND_BUCKETS_H_
#define MILLRACE_TEXT_BAND_BUCKETS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace millrace {

// Rows of a column that are in a part of the hashes and not excluded; see mr_select_part. Returns how many.
size_t select_part(const uint64_t* hashes, size_t words, size_t num_rows, uint32_t part, uint32_t parts,
                   uint32_t first_document, const uint8_t* excluded, uint64_t* out_hashes, uint32_t* out_documents);

// Brings rows whose key another row has too to the front, equal keys together, documents ascending inside a key;
// returns how many they are. Arrays and scratch have `count` elements.
size_t group_keys(uint64_t* keys, uint32_t* documents, size_t count, uint64_t* key_scratch, uint32_t* document_scratch);

struct PairedGroups {
  size_t next = 0;       // the first row that was not paired out
  size_t num_pairs = 0;  // written
  // Members of groups of more than max_bucket documents: their pairs are found by a join (join.h).
  std::vector<uint32_t> crowded;
};

// Pairs (lower document << 32 | higher) of the groups from row `begin` on, until the next group finds no room.
PairedGroups pair_groups(const uint64_t* keys, const uint32_t* documents, size_t count, size_t begin, size_t max_bucket,
                         uint64_t* pairs, size_t capacity);

struct EqualGroups {
  // Rows of each group ascending; groups ordered by their first row; group g is members[offsets[g] .. offsets[g + 1]).
  std::vector<uint32_t> members;
  std::vector<uint32_t> offsets;
};

// Rows with equal hashes (two words a row), groups of two or more.
EqualGroups equal_groups(const uint64_t* hashes, size_t count);

}  // namespace millrace

#endif  // MILLRACE_TEXT_BAND_BUCKETS_H_
