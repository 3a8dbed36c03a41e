// The two passes of flash attention's backward, one file each. Gradients have one writer and their sums one order.
#ifndef MILLRACE_CUDA_ATTENTION_FLASH_H_
#define MILLRACE_CUDA_ATTENTION_FLASH_H_

#include "cuda/attention.h"

namespace millrace::cuda {

// Pointers of attention_backward. delta(B,H_p,T): the row sums of dout * out, written by the pass over queries and read
// by the one over keys.
template <class T>
struct FlashBackward {
  T* dqkv;
  const T* dout;
  const T* qkv;
  const T* out;
  const float* lse;
  float* delta;
};

template <class T>
Status flash_backward_queries(Context&, const AttentionShape&, const FlashBackward<T>&, const Dropout&);
template <class T>
Status flash_backward_keys(Context&, const AttentionShape&, const FlashBackward<T>&, const Dropout&);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_ATTENTION_FLASH_H_
