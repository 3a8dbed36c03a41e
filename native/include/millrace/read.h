/* Reading: JSON lines to columns of documents, their normalisation, and back to JSON lines.
 *
 * Columns of variable length are bytes with offsets: row i is data[offsets[i] .. offsets[i + 1]), with one more offset
 * than rows. All text that comes out is valid UTF-8; text that goes in must be.
 */
#ifndef MILLRACE_READ_H_
#define MILLRACE_READ_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of Unicode behind NFC, folding and character classes, such as "18.0.0". */
const char* mr_unicode_version(void);

typedef struct mr_text {
  const uint8_t* data;
  size_t size;
} mr_text;

typedef struct mr_scan_options {
  mr_text text_field; /* dotted paths; all but this one may be empty: never looked up */
  mr_text id_field;
  mr_text source_field;
  mr_text score_field; /* of a number, for mr_dedup_sign_lines alone; it stays among the other fields */
  mr_text source;      /* of documents without one of their own; a made-up id is "<source>#<byte offset>" */
  uint64_t base_offset;
  uint64_t base_line;
  uint64_t max_document_bytes;  /* 0: no limit */
  int values;                   /* not lines but the values that mr_json_splitter_push leaves: each is a record */
  const double* record_offsets; /* of line i, where lines are made of something else; NULL: where it stands */
  size_t num_record_offsets;
  mr_text records_field; /* of values: the path of the splitter, */
  uint64_t value_begin;  /* and mr_scan_view's of the values before */
} mr_scan_options;

typedef struct mr_rejected_line {
  double offset; /* of the decompressed file */
  double length; /* bytes, without the line end */
  double line;   /* from 1 */
  const char* reason;
  mr_text detail;
} mr_rejected_line;

typedef struct mr_scan_view {
  size_t num_documents;
  mr_text text, id, meta; /* text, meta and their offsets: empty and NULL in a scan of mr_dedup_sign_lines */
  const uint32_t *text_offsets, *id_offsets, *meta_offsets;
  const uint32_t* source_index;
  const double* record_offset;
  const uint32_t* record_length;
  const double* record_line;
  size_t num_sources;
  size_t num_rejected;
  uint64_t num_lines;
  uint64_t value_begin; /* of values: where the last one began, so that its end is known to be its */
} mr_scan_view;

typedef struct mr_scan mr_scan;

/* Scans whole lines (the last may lack its end), under 4 GiB. What is wrong with a record is data of the result, never
 * a failure of the call; MR_INVALID_ARGUMENT speaks of the options alone. */
mr_code mr_scan_jsonl(const uint8_t* bytes, size_t size, const mr_scan_options* options, mr_scan** out);
void mr_scan_destroy(mr_scan* scan);
mr_code mr_scan_get(const mr_scan* scan, mr_scan_view* out);
mr_code mr_scan_source(const mr_scan* scan, size_t index, mr_text* out);
mr_code mr_scan_rejected(const mr_scan* scan, size_t index, mr_rejected_line* out);

/* The records of a JSON file of any size, found as its bytes stream by. */
typedef struct mr_json_splitter mr_json_splitter;

typedef struct mr_json_split {
  size_t good;             /* bytes before the fault, all where there is none */
  uint64_t complete_until; /* offset in the file: all records before are complete */
  const char* fault;       /* NULL while all is well; it holds as long as the splitter */
} mr_json_split;

/* path: dotted names to walk from each value of the file; empty: none. Where it leads, an array stands for its elements
 * and another value for itself. */
mr_code mr_json_splitter_create(mr_text path, mr_json_splitter** out);
void mr_json_splitter_destroy(mr_json_splitter* splitter);
/* Rewrites the file's next bytes: what is no part of a record becomes LF, a line end inside a record a space. `last`:
 * the file ends behind them. With a path each value leaves a mark where it begins, 0x02 (a number 0x01), and 0x03 where
 * it ends without records, which mr_scan_jsonl rejects. Nothing may be pushed after a fault. */
mr_code mr_json_splitter_push(mr_json_splitter* splitter, uint8_t* bytes, size_t size, int last, mr_json_split* out);

/* An owner of texts. */
typedef struct mr_texts mr_texts;
void mr_texts_destroy(mr_texts* texts);
/* offsets: num_rows + 1 of them. Either out-parameter may be NULL. */
mr_code mr_texts_get(const mr_texts* texts, mr_text* data, const uint32_t** offsets);

/* num_rows rows of text to as many rows: line ends CRLF and CR to LF (newlines), canonical composition (nfc). */
mr_code mr_normalize_texts(const uint8_t* text, const uint32_t* offsets, size_t num_rows, int nfc, int newlines,
                           mr_texts** out);

typedef struct mr_documents {
  size_t num_documents;
  const uint8_t *text, *id, *meta, *sources;
  const uint32_t *text_offsets, *id_offsets, *meta_offsets, *source_offsets;
  const uint32_t* source_index; /* row of sources, one a document */
} mr_documents;

/* The rows with keep[i] != 0 as {"id":...,"text":...,"source":...,<meta>} and LF, as one text. A meta
 * field that bears one of the three names becomes "original_<name>". */
mr_code mr_format_jsonl(const mr_documents* documents, const uint8_t* keep, mr_texts** out);

/* Lines of JSON for rows of a table, as one text: `json`, with the bytes of sources between, each run of them as a JSON
 * string. A run is four numbers: how much of `json` stands before it, which source, where it begins and ends there. */
mr_code mr_join_rows(mr_text json, const uint32_t* runs, size_t num_runs, const mr_text* sources, size_t num_sources,
                     mr_texts** out);

#ifdef __cplusplus
}
#endif
#endif
