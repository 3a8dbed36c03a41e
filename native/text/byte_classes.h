// Which of 64 bytes are what, as bit masks: the first step of cutting GPT-2's pieces, on each SIMD level. Bytes from
// 0x80 on are only named here; what their characters are is looked up one by one (pretokenize_gpt2.cc).
#ifndef MILLRACE_TEXT_BYTE_CLASSES_H_
#define MILLRACE_TEXT_BYTE_CLASSES_H_

#include <cstddef>
#include <cstdint>

#include "text/simd_level.h"

namespace millrace {

// Bit i stands for byte i. A byte in none of letters, numbers, white and wide is one of the other ASCII characters.
struct ByteClasses {
  uint64_t letters;      // A-Z a-z
  uint64_t numbers;      // 0-9
  uint64_t white;        // U+0009 to U+000D and the space
  uint64_t spaces;       // the space
  uint64_t apostrophes;  // '
  uint64_t wide;         // from 0x80 on
};

// The classes of num_blocks times 64 bytes.
using ClassifyBytes = void (*)(const uint8_t* text, size_t num_blocks, ByteClasses* out);

void classify_bytes_scalar(const uint8_t* text, size_t num_blocks, ByteClasses* out);
void classify_bytes_avx2(const uint8_t* text, size_t num_blocks, ByteClasses* out);
void classify_bytes_avx512(const uint8_t* text, size_t num_blocks, ByteClasses* out);

ClassifyBytes classify_bytes_for(SimdLevel level);

}  // namespace millrace

#endif  // MILLRACE_TEXT_BYTE_CLASSES_H_
