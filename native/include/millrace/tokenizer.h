/* Tokenizers: text in, ids out. Byte-level BPE with vocab.json and merges.txt given as bytes, and WordPiece.
 *
 * Conventions as in status.h. A tokenizer keeps its result buffers: what encode and decode hand out lives until the
 * next call on the same handle.
 */
#ifndef MILLRACE_TOKENIZER_H_
#define MILLRACE_TOKENIZER_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_tokenizer mr_tokenizer;

/* vocab_json: {"token": id} in GPT-2's byte-to-unicode alphabet; merges: "left right" lines in order of rank. A file
 * that is not one is MR_INVALID_ARGUMENT, the message names the line. */
mr_code mr_tokenizer_create_bpe(const uint8_t* vocab_json, size_t vocab_bytes, const uint8_t* merges,
                                size_t merges_bytes, mr_tokenizer** out);

/* Where a byte-level vocabulary differs from GPT-2's. */
typedef struct mr_bpe_options {
  /* How texts are cut into the pieces inside which merges happen: "gpt2", "llama3" (cl100k_base too), "qwen2", "o200k",
   * "tekken", or "whole", for texts that were cut by the caller. */
  const char* pattern;
  /* Not 0: a piece that is a token becomes it, whatever the merges say. */
  int32_t ignore_merges;
  /* Not 0: a text that is not empty and does not begin with a space gets one. */
  int32_t prefix_space;
  /* {"token": id} of tokens that no text becomes and that decode to their own UTF-8. */
  const uint8_t* added_json;
  size_t added_bytes;
} mr_bpe_options;

/* As mr_tokenizer_create_bpe, but ids may be missing. */
mr_code mr_tokenizer_create_bpe_with(const uint8_t* vocab_json, size_t vocab_bytes, const uint8_t* merges,
                                     size_t merges_bytes, const mr_bpe_options* options, mr_tokenizer** out);

/* How texts become words, and words tokens. BERT's uncased: "[UNK]", "##", 100, and 1 for all that follow. */
typedef struct mr_word_piece_options {
  const char* unknown;      /* the token of a word that no tokens make up; must be in the vocabulary */
  const char* prefix;       /* before a token that does not begin a word */
  uint32_t most_characters; /* a longer word is unknown */
  int32_t split;            /* 0: every text is one word as it is, the rest is not looked at */
  int32_t clean;            /* control characters go, white space becomes spaces */
  int32_t chinese;          /* ideographs are words by themselves */
  int32_t strip_accents;    /* canonical decomposition without nonspacing marks */
  int32_t lowercase;
} mr_word_piece_options;

/* Token i is tokens[offsets[i] .. offsets[i+1]), as UTF-8; empty: an id without a token. offsets has num_tokens + 1
 * ascending entries, the last at most token_bytes. Of equal tokens the last counts. */
mr_code mr_tokenizer_create_word_piece(const uint8_t* tokens, size_t token_bytes, const uint32_t* offsets,
                                       size_t num_tokens, const mr_word_piece_options* options, mr_tokenizer** out);

void mr_tokenizer_destroy(mr_tokenizer* tokenizer);

int32_t mr_tokenizer_vocab_size(const mr_tokenizer* tokenizer);

/* Row i is text[offsets[i] .. offsets[i+1]), each encoded by itself; offsets has num_rows + 1 ascending entries, the
 * last at most text_bytes. *ids gets all rows' ids, *num_ids how many; id_offsets (num_rows + 1 entries, the caller's)
 * where each row begins. No text is special: "<|endoftext|>" is ordinary text. Bytes that are not UTF-8 are encoded
 * too. */
mr_code mr_tokenizer_encode(mr_tokenizer* tokenizer, const uint8_t* text, size_t text_bytes, const uint32_t* offsets,
                            size_t num_rows, const int32_t** ids, size_t* num_ids, uint32_t* id_offsets);

/* The bytes of the ids, one after the other; a character may be cut at either end. WordPiece: the words with a space
 * between them. An id outside the vocabulary is MR_INVALID_ARGUMENT. */
mr_code mr_tokenizer_decode(mr_tokenizer* tokenizer, const int32_t* ids, size_t num_ids, const uint8_t** bytes,
                            size_t* num_bytes);

#ifdef __cplusplus
}
#endif
#endif
