/* Learning a byte-level BPE vocabulary: texts are counted as they come, then merges are learned a few at a time. The
 * same texts in the same order give the same merges; among equally frequent pairs the one with the lower ids is first,
 * as in Hugging Face tokenizers.
 *
 * Conventions as in status.h. One call at a time on a handle.
 */
#ifndef MILLRACE_BPE_TRAINER_H_
#define MILLRACE_BPE_TRAINER_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_bpe_trainer mr_bpe_trainer;

typedef struct mr_bpe_goal {
  uint32_t vocab_size;       /* first tokens, 256 bytes and merges */
  uint64_t min_frequency;    /* a pair that occurs less often is not merged */
  uint32_t num_first_tokens; /* ids before those of the bytes, which follow in the order of GPT-2's alphabet */
} mr_bpe_goal;

/* pattern: as in mr_bpe_options. */
mr_code mr_bpe_trainer_create(const char* pattern, mr_bpe_trainer** out);
void mr_bpe_trainer_destroy(mr_bpe_trainer* trainer);

/* Row i is text[offsets[i] .. offsets[i+1]). Not after the first mr_bpe_trainer_learn. */
mr_code mr_bpe_trainer_add(mr_bpe_trainer* trainer, const uint8_t* text, size_t text_bytes, const uint32_t* offsets,
                           size_t num_rows);

/* How many different pre-tokens are counted, and how many were forgotten for want of room: the rarest. */
void mr_bpe_trainer_counts(const mr_bpe_trainer* trainer, uint64_t* num_pieces, uint64_t* num_forgotten);

/* Learns up to `count` more merges; fewer: the goal is reached or no pair is frequent enough. *merges: left id, right
 * id and the id they make, three elements a merge, valid until the next call. The goal of the first call holds. */
mr_code mr_bpe_trainer_learn(mr_bpe_trainer* trainer, const mr_bpe_goal* goal, size_t count, const uint32_t** merges,
                             size_t* num_merges);

#ifdef __cplusplus
}
#endif
#endif
