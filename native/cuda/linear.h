// The products of a layer, for the ops that fuse more with them.
#ifndef MILLRACE_CUDA_LINEAR_H_
#define MILLRACE_CUDA_LINEAR_H_

#include "cuda/gemm.h"

namespace millrace::cuda {

// y(N,O) = x(N,I) w(O,I)^T.
Gemm forward_gemm(Tensor y, Tensor x, Tensor w);
// dx(N,I) = dy(N,O) w(O,I).
Gemm backward_input_gemm(Tensor dx, Tensor dy, Tensor w);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_LINEAR_H_
