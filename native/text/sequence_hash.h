// Hashes over sequences of 64-bit words: runs of units (shingles) and whole texts. Sums of independently mixed terms,
// so that every SIMD level computes the same bits in whatever order suits it.
#ifndef MILLRACE_TEXT_SEQUENCE_HASH_H_
#define MILLRACE_TEXT_SEQUENCE_HASH_H_

#include <cstddef>
#include <cstdint>

#include "text/simd_level.h"
#include "text/words_hash.h"

namespace millrace {

// Sum over i < count of mix64(words[i] + (first + i + 1) * step) modulo 2^64; `words` need not be aligned.
uint64_t mixed_sum(const uint8_t* words, size_t count, uint64_t first, uint64_t step, SimdLevel level);

// The hash of bytes: of the text as it is (its low half), of ids, of folded texts without a word.
Hash128 hash_bytes(const uint8_t* bytes, size_t length, SimdLevel level);
uint64_t hash_bytes_low(const uint8_t* bytes, size_t length, SimdLevel level);

// A run of units u[0..k) hashes to mix64(sum of u[j] * kMixA^(k-1-j) + k * kMixB) modulo 2^64: order counts.
inline uint64_t finish_run(uint64_t sum, size_t count) { return mix64(sum + count * kMixB); }

// out[i] = hash of the run units[i .. i + size) for each i that leaves a whole run; count >= size.
void hash_runs(const uint64_t* units, size_t count, size_t size, uint64_t* out, SimdLevel level);

}  // namespace millrace

#endif  // MILLRACE_TEXT_SEQUENCE_HASH_H_
