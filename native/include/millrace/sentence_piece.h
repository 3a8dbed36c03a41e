/* SentencePiece models (unigram and BPE, with or without byte fallback) as tokenizers: the ids of SentencePiece 0.2.
 *
 * Conventions as in status.h; what a tokenizer does is in tokenizer.h. Bytes of a text that are not UTF-8 count as
 * U+FFFD. Decoding gives the text that the official library decodes to, always UTF-8.
 */
#ifndef MILLRACE_SENTENCE_PIECE_H_
#define MILLRACE_SENTENCE_PIECE_H_

#include "millrace/tokenizer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* model: the bytes of a .model file, not needed afterwards. Bytes that are no model, or one of words or characters, are
 * MR_INVALID_ARGUMENT. */
mr_code mr_tokenizer_create_sentence_piece(const uint8_t* model, size_t model_bytes, mr_tokenizer** out);

#ifdef __cplusplus
}
#endif
#endif
