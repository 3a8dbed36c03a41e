/* The join of a sample with a corpus by sketches (SKETCH_SIZE least upper halves of a document's shingle hashes, each
 * once, ascending, then 0xffffffff): finds the pairs on which dedup's recall is measured. Single-threaded. */
#ifndef MILLRACE_SKETCH_JOIN_H_
#define MILLRACE_SKETCH_JOIN_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MR_SKETCH_SIZE 16

typedef struct mr_sketch_index mr_sketch_index;

/* MR_SKETCH_SIZE values a sampled document, copied; at most 2^20 documents. */
mr_code mr_sketch_index_create(const uint32_t* sketches, size_t num_sampled, mr_sketch_index** out);
void mr_sketch_index_destroy(mr_sketch_index* index);

/* Pairs of sampled documents and rows with taken[row] != 0 whose level is min_level or above, by row, three elements a
 * pair: place in the sample, row, level. The level says how many of the least MR_SKETCH_SIZE values of the two together
 * are in both; when they have fewer together, in proportion and rounded down. Pairs at level 0 are left out. Valid
 * until the next call. */
mr_code mr_sketch_index_match(mr_sketch_index* index, const uint32_t* sketches, const uint8_t* taken, size_t num_rows,
                              uint32_t min_level, const uint32_t** matches, size_t* num_matches);

#ifdef __cplusplus
}
#endif
#endif
