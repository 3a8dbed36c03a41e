// Attention by cuDNN's fused kernels, without dropout: its masks would count the heads of a rank. Only in builds that
// found the headers of cudnn-frontend (MILLRACE_HAVE_CUDNN); the library itself is loaded when first asked for.
#ifndef MILLRACE_CUDA_CUDNN_ATTENTION_H_
#define MILLRACE_CUDA_CUDNN_ATTENTION_H_

#include "cuda/attention.h"

namespace millrace::cuda {

// Whether the library has a plan for this call that fits its workspace. Makes the plan on first use, except while a
// step is recorded. Not while an arena is planned.
bool cudnn_attention_takes(Context&, DType, const AttentionShape&, bool backward);

// What is set aside in scratch for it, in bytes, whether or not it is used: by formula, for memory is planned where
// there is no GPU. 0: not worth it.
int64_t cudnn_attention_workspace(const AttentionShape&, bool backward);

// After cudnn_attention_takes().
Status cudnn_attention_forward(Context&, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv);
Status cudnn_attention_backward(Context&, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                                Tensor lse);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_CUDNN_ATTENTION_H_
