// The inner loop of words.cc on each SIMD level.
#ifndef MILLRACE_TEXT_WORDS_KERNELS_H_
#define MILLRACE_TEXT_WORDS_KERNELS_H_

#include <cstddef>
#include <cstdint>

namespace millrace {

struct AsciiRun {
  const uint8_t* text;
  size_t length;     // at least 1; the run ends here or at the first byte that is not ASCII
  uint8_t* out;      // gets the run in lower case; 64 bytes more than `length` are writable
  uint32_t offset;   // what the position of text[0] is called in edges
  uint32_t* edges;   // gets the edges of words; room for length + 64
  size_t num_edges;  // before and after; an odd number: a word is open
};

// Returns the length of the run. A word that reaches its end stays open.
size_t fold_ascii_scalar(AsciiRun& run);
size_t fold_ascii_avx2(AsciiRun& run);
size_t fold_ascii_avx512(AsciiRun& run);

}  // namespace millrace

#endif  // MILLRACE_TEXT_WORDS_KERNELS_H_
