// The vector forms behind sequence_hash.h. AVX2 has no 64-bit product, so it takes the scalar form.
#ifndef MILLRACE_TEXT_SEQUENCE_HASH_KERNELS_H_
#define MILLRACE_TEXT_SEQUENCE_HASH_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "text/words_hash.h"

namespace millrace {

uint64_t mixed_sum_avx512(const uint8_t* words, size_t count, uint64_t first, uint64_t step);
// size * 8 lanes of work a vector, so worth it for short runs only.
void hash_runs_avx512(const uint64_t* units, size_t count, size_t size, uint64_t* out);

}  // namespace millrace

#endif  // MILLRACE_TEXT_SEQUENCE_HASH_KERNELS_H_
