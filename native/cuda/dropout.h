// The dropout masks of core/philox.h in kernels, an octet at a time: a thread draws each block of four words once.
#ifndef MILLRACE_CUDA_DROPOUT_H_
#define MILLRACE_CUDA_DROPOUT_H_

#include "core/philox.h"
#include "cuda/octet.h"

namespace millrace::cuda {

// What a thread draws with, read from the argument and from device memory once.
struct MaskDraw {
  PhiloxKey key;
  const int64_t* sample;
  uint32_t threshold;
  float scale;
  bool draws;

  __device__ __forceinline__ explicit MaskDraw(const Dropout& dropout)
      : key(dropout.keyed()),
        sample(dropout.sample),
        threshold(dropout.threshold()),
        scale(dropout.scale()),
        draws(dropout.p != 0.0f) {}

  // Number of the first element of row b of the batch.
  __device__ __forceinline__ uint64_t begin(int64_t b, int64_t sample_size) const {
    return draws ? static_cast<uint64_t>(sample[b] * sample_size) : 0;
  }

  // Of the elements first .. first + 7: 0 where dropped, 1/(1-p) where kept; 1 without dropout.
  __device__ __forceinline__ void factors(float (&factor)[kOctet], uint64_t first) const {
    if (!draws) {
#pragma unroll
      for (int i = 0; i < kOctet; ++i) factor[i] = 1.0f;
      return;
    }
    const uint64_t block = first >> 2;
    const Philox4 low = philox(key, block);
    const Philox4 high = philox(key, block + 1);
    uint32_t words[kOctet + 4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      words[i] = low.word[i];
      words[4 + i] = high.word[i];
    }
    if (const uint32_t shift = first & 3; shift != 0) {  // eight words out of three blocks
      const Philox4 more = philox(key, block + 2);
#pragma unroll
      for (int i = 0; i < 4; ++i) words[kOctet + i] = more.word[i];
        // Selected, not indexed: an array that is indexed by a variable lives in memory.
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        words[i] = shift == 1 ? words[i + 1] : shift == 2 ? words[i + 2] : words[i + 3];
      }
    }
#pragma unroll
    for (int i = 0; i < kOctet; ++i) factor[i] = words[i] >= threshold ? scale : 0.0f;
  }
};

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_DROPOUT_H_
