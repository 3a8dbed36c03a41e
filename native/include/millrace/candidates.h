/* From hashes to candidate pairs: parts of columns, equal hashes, groups of equal band keys, exact intersections, the
 * order of documents, and the exact join.
 *
 * Documents are 32-bit numbers. A set is ascending 64-bit hashes, each once; set s of several is
 * hashes[offsets[s] .. offsets[s + 1]). All functions are pure but for mr_join, and single-threaded.
 */
#ifndef MILLRACE_CANDIDATES_H_
#define MILLRACE_CANDIDATES_H_

#include "millrace/list.h"
#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Copies rows of `words` (1 or 2) 64-bit words whose last word's upper half x falls in the part,
 * floor(x * parts / 2^32) = part, and whose document (first_document + row) is not in the bitmap `excluded` (document
 * d: byte d >> 3, bit d & 7; null: nobody is), with their documents; *selected of them. */
mr_code mr_select_part(const uint64_t* hashes, int32_t words, size_t num_rows, uint32_t part, uint32_t parts,
                       uint32_t first_document, const uint8_t* excluded, uint64_t* out_hashes, uint32_t* out_documents,
                       size_t* selected);

/* Rows whose 128-bit hashes are equal, groups of two or more in the order of their first rows: members (32-bit rows)
 * and offsets of the groups (32-bit). */
mr_code mr_equal_groups(const uint64_t* hashes, size_t num_rows, mr_list** members, mr_list** offsets);

/* Brings the rows whose key another row has too to the front, equal keys together, documents ascending inside a key;
 * *grouped of them. The rest of both arrays, and the scratch arrays (as long as they), is undefined after. */
mr_code mr_group_keys(uint64_t* keys, uint32_t* documents, size_t count, uint64_t* key_scratch,
                      uint32_t* document_scratch, size_t* grouped);

/* Pairs out the groups of `count` rows of mr_group_keys from row `begin` on: pairs (lower document << 32 | higher, in
 * no order) until the next group finds no room, where *next points. Members of groups of more than max_bucket go to
 * `crowded` (32-bit) instead. MR_INVALID_ARGUMENT when one group needs more than `capacity`. */
mr_code mr_pair_groups(const uint64_t* keys, const uint32_t* documents, size_t count, size_t begin, uint32_t max_bucket,
                       uint64_t* pairs, size_t capacity, size_t* next, size_t* num_pairs, mr_list** crowded);

/* Sorts in place, one of each value to the front, *unique of them. */
mr_code mr_sort_unique(uint64_t* values, size_t count, size_t* unique);

/* Rows by order_keys ascending, then content hash (two words a row, the first before the second), then row. */
mr_code mr_order_documents(const uint64_t* order_keys, const uint64_t* content_hashes, size_t num_rows,
                           uint32_t* order);

/* |A and B| of sets pairs[2 * i] and pairs[2 * i + 1]. */
mr_code mr_intersections(const uint64_t* hashes, const uint32_t* offsets, const uint32_t* pairs, size_t num_pairs,
                         uint32_t* intersections);

/* The same for pairs above numerator / denominator; 0 for the others. */
mr_code mr_intersections_above(const uint64_t* hashes, const uint32_t* offsets, const uint32_t* pairs, size_t num_pairs,
                               uint32_t numerator, uint32_t denominator, uint32_t* intersections);

/* The exact join: all pairs of sets with Jaccard similarity above numerator / denominator, by prefix filter.
 * Either mr_join_count over every set, once each in any pieces, then mr_join_select over every set, once each, then
 * mr_join_sets over those it selects; or, with seen_bits 0, mr_join_sets alone. */
typedef struct mr_join mr_join;

typedef struct mr_join_config {
  uint32_t numerator; /* below the denominator */
  uint32_t denominator;
  int32_t seen_bits;       /* 2^seen_bits counters of 2 bits, 1 to 32; 0: none */
  int32_t counter_bits;    /* 2^counter_bits counters of 32 bits, 1 to 28; 0: none */
  uint64_t capacity_bytes; /* of the sets in it and their index */
} mr_join_config;

typedef enum mr_join_put {
  MR_JOIN_PUT_NONE = 0, /* compare only */
  MR_JOIN_PUT_KEPT = 1, /* sets without a match that are not barred stay, for later ones to be compared with */
  MR_JOIN_PUT_ALL = 2
} mr_join_put;

mr_code mr_join_create(const mr_join_config* config, mr_join** out);
void mr_join_destroy(mr_join* join);
mr_code mr_join_count(mr_join* join, const uint64_t* hashes, size_t count);
/* selected[s] is 1 for sets that may have a partner above the threshold. */
mr_code mr_join_select(mr_join* join, const uint64_t* hashes, const uint32_t* offsets, size_t num_sets,
                       uint8_t* selected);
/* Compares set after set with those in the join, then puts it there under its number. Stops before a set that finds no
 * room (one set always does); *taken sets were taken. `barred` may be null. matches: four 32-bit values each, set,
 * number of the set in the join, sizes of intersection and union; sets ascend, then numbers in the order of putting. */
mr_code mr_join_sets(mr_join* join, const uint32_t* numbers, const uint64_t* hashes, const uint32_t* offsets,
                     size_t num_sets, mr_join_put put, const uint8_t* barred, size_t* taken, mr_list** matches);
/* Takes all sets out; what was counted stays. */
void mr_join_clear(mr_join* join);

#ifdef __cplusplus
}
#endif
#endif
