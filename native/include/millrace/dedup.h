/* Dedup: hashes and MinHash band keys of documents, candidate pairs, exact intersections, and the join for crowded
 * buckets.
 *
 * Text is valid UTF-8: row i of a block is text[offsets[i] .. offsets[i + 1]). What words, shingles and the normalised
 * text are stands in docs/formats/dedup.md. All functions are pure but for mr_join_index, and single-threaded.
 */
#ifndef MILLRACE_DEDUP_H_
#define MILLRACE_DEDUP_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mr_shingle_unit { MR_SHINGLE_WORD = 0, MR_SHINGLE_CHARACTER = 1 } mr_shingle_unit;
typedef enum mr_simd { MR_SIMD_AUTO = 0, MR_SIMD_SCALAR = 1, MR_SIMD_AVX2 = 2, MR_SIMD_AVX512 = 3 } mr_simd;

typedef struct mr_shingling {
  mr_shingle_unit unit;
  int32_t size; /* units a shingle, at least 1 */
} mr_shingling;

typedef struct mr_signature_config {
  mr_shingling shingling;
  int32_t num_bands;
  int32_t num_rows;
  uint64_t seed;
  mr_simd simd; /* how fast, never what: MR_INVALID_ARGUMENT where the processor lacks it */
} mr_signature_config;

typedef struct mr_text_rows {
  const uint8_t* text;
  const uint32_t* offsets; /* num_rows + 1 */
  size_t num_rows;
} mr_text_rows;

/* A result of unforeseen length: 32- or 64-bit elements, as the function that makes it says. */
typedef struct mr_list mr_list;
const void* mr_list_data(const mr_list* list);
size_t mr_list_bytes(const mr_list* list);
void mr_list_destroy(mr_list* list);

/* Of each row: content_hashes[2 * i, 2 * i + 1] of the normalised text, text_hashes[i] of the bytes as they are,
 * normalized_bytes[i], and the keys of band b at band_keys[b * num_rows + i]. */
mr_code mr_dedup_sign(const mr_text_rows* rows, const mr_signature_config* config, uint64_t* content_hashes,
                      uint64_t* text_hashes, uint32_t* normalized_bytes, uint64_t* band_keys);

/* 128-bit hashes of rows of bytes, two words a row. */
mr_code mr_dedup_hash_rows(const mr_text_rows* rows, uint64_t* hashes);

/* Shingle sets (64-bit hashes, ascending, each once) of the rows named in `selected`, one after another, and their
 * num_selected + 1 offsets (32-bit, in elements). */
mr_code mr_dedup_shingle_sets(const mr_text_rows* rows, const uint32_t* selected, size_t num_selected,
                              const mr_shingling* shingling, mr_list** hashes, mr_list** offsets);

/* Rows whose 128-bit hashes are equal, groups of two or more in the order of their first rows: members (32-bit rows)
 * and offsets of the groups (32-bit). */
mr_code mr_dedup_equal_groups(const uint64_t* hashes, size_t num_rows, mr_list** members, mr_list** offsets);

/* Candidates of one band: pairs (64-bit, lower document << 32 | higher, ascending) of documents with one key; members
 * of buckets of more than max_bucket documents go to `crowded` (32-bit, ascending) instead. Reorders its inputs;
 * documents come ascending. */
mr_code mr_dedup_bucket_pairs(uint64_t* keys, uint32_t* documents, size_t count, uint32_t max_bucket, mr_list** pairs,
                              mr_list** crowded);

/* Sorts in place, one of each value to the front, *unique of them. */
mr_code mr_dedup_sort_unique(uint64_t* values, size_t count, size_t* unique);

/* |A and B| of sets pairs[2 * i] and pairs[2 * i + 1], set s being hashes[offsets[s] .. offsets[s + 1]). */
mr_code mr_dedup_intersections(const uint64_t* hashes, const uint32_t* offsets, const uint32_t* pairs, size_t num_pairs,
                               uint32_t* intersections);

/* Rows by normalized_bytes descending, then content hash ascending (first word, then second), then row. */
mr_code mr_dedup_order_longest(const uint32_t* normalized_bytes, const uint64_t* content_hashes, size_t num_rows,
                               uint32_t* order);

/* Adds shingles to an estimate of how often each occurs: 2^bits counters, 1 <= bits <= 30. */
mr_code mr_dedup_count_shingles(const uint64_t* hashes, size_t count, uint32_t* counters, int32_t bits);

/* Finds, for a set, every inserted set with Jaccard similarity above numerator / denominator, and possibly others. */
typedef struct mr_join_index mr_join_index;
mr_code mr_join_index_create(const uint32_t* counters, int32_t bits, uint32_t numerator, uint32_t denominator,
                             mr_join_index** out);
void mr_join_index_destroy(mr_join_index* index);
mr_code mr_join_index_insert(mr_join_index* index, uint32_t number, const uint64_t* set, size_t size);
/* Numbers in the order of insertion; valid until the next call. */
mr_code mr_join_index_probe(mr_join_index* index, const uint64_t* set, size_t size, const uint32_t** numbers,
                            size_t* count);

#ifdef __cplusplus
}
#endif
#endif
