/* Dedup: hashes, MinHash band keys and shingle sets of documents.
 *
 * Text is valid UTF-8: row i of a block is text[offsets[i] .. offsets[i + 1]). What words, shingles and the normalised
 * text are stands in docs/formats/dedup.md. All functions are pure and single-threaded.
 */
#ifndef MILLRACE_DEDUP_H_
#define MILLRACE_DEDUP_H_

#include "millrace/list.h"
#include "millrace/read.h"
#include "millrace/sketch_join.h"
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

/* Of each row: content_hashes[2 * i, 2 * i + 1] of the normalised text, text_hashes[i] of the bytes as they are,
 * normalized_bytes[i], the keys of band b at band_keys[b * num_rows + i], and at
 * sketches[MR_SKETCH_SIZE * i] its sketch: the upper halves of the least hashes of its shingle set, each once,
 * ascending, then 2^32 - 1. */
typedef struct mr_signatures {
  uint64_t* content_hashes;
  uint64_t* text_hashes;
  uint32_t* normalized_bytes;
  uint64_t* band_keys;
  uint32_t* sketches;
} mr_signatures;

mr_code mr_dedup_sign(const mr_text_rows* rows, const mr_signature_config* config, const mr_signatures* out);

/* Reads and signs the documents of whole lines in one pass: a scan with the rows and the rejected lines of
 * mr_scan_jsonl, but without texts and other fields. */
mr_code mr_dedup_sign_lines(const uint8_t* bytes, size_t size, const mr_scan_options* options,
                            const mr_signature_config* config, mr_scan** out);
/* Copies the signatures of such a scan to buffers of as many rows as it has documents. id_hashes: 128 bits of the ids,
 * two words a row. scores: the number in score_field, NaN where there is none. */
mr_code mr_dedup_copy_signatures(const mr_scan* scan, const mr_signatures* out, uint64_t* id_hashes, double* scores);

/* 128-bit hashes of rows of bytes, two words a row. */
mr_code mr_dedup_hash_rows(const mr_text_rows* rows, uint64_t* hashes);

/* Shingle sets (64-bit hashes, ascending, each once) of the rows named in `selected`, one after another, and their
 * num_selected + 1 offsets (32-bit, in elements). */
mr_code mr_dedup_shingle_sets(const mr_text_rows* rows, const uint32_t* selected, size_t num_selected,
                              const mr_shingling* shingling, mr_list** hashes, mr_list** offsets);

/* The same of records of JSON lines: record i is bytes[begins[i]] .. + lengths[i]. MR_INVALID_ARGUMENT where it is not
 * a document that mr_scan_jsonl gives with these options. */
mr_code mr_dedup_shingle_lines(const uint8_t* bytes, size_t size, const uint32_t* begins, const uint32_t* lengths,
                               size_t num_records, const mr_scan_options* options, const mr_shingling* shingling,
                               mr_list** hashes, mr_list** offsets);

#ifdef __cplusplus
}
#endif
#endif
