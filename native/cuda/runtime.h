// The CUDA runtime as this backend uses it: the stream that a rank enqueues on, and errors as Status. Every file of
// cuda/ that needs cuda_runtime.h takes it from here.
#ifndef MILLRACE_CUDA_RUNTIME_H_
#define MILLRACE_CUDA_RUNTIME_H_

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <string>

#include "core/context.h"
#include "core/op_checks.h"
#include "core/status.h"

namespace millrace {

namespace cuda {

struct GemmState;       // defined by the files of the matrix products
struct AttentionState;  // defined by the files of attention

// Whoever defines the state sets it, with the function that ends it, so this header needs no library's types.
template <class State>
using Owned = std::unique_ptr<State, void (*)(State*)>;

}  // namespace cuda

// What a context of a CUDA rank enqueues on. One object a rank, made by open_cuda_device(), used by that rank's thread.
struct Stream {
  cudaStream_t handle = nullptr;
  int gpu = 0;
  int num_multiprocessors = 0;
  int compute_capability = 0;     // 80, 90, ...
  size_t shared_bytes_limit = 0;  // dynamic shared memory that a block may ask for
  // True while enqueued work is recorded for Device::replay: nothing may be allocated, measured or waited for.
  bool recording = false;
  // Why nothing is recorded any more, though it was tried; ok() otherwise. Results are the same, only slower.
  Status not_recorded;

  // Per-rank state of libraries, made at first use.
  cuda::Owned<cuda::GemmState> gemm{nullptr, nullptr};
  cuda::Owned<cuda::AttentionState> attention{nullptr, nullptr};
};

namespace cuda {

inline Stream& stream_of(Context& context) { return *context.stream; }

// `call` names what failed; the message has CUDA's own sentence. MR_OUT_OF_MEMORY, MR_NO_DEVICE or MR_INTERNAL.
Status status_of(cudaError_t error, const char* call);

// The driver's name of a GPU and its memory: "GPU 0 (NVIDIA H100 80GB HBM3, sm_90, 79 GiB)".
Status describe_gpu(int gpu, std::string* out);

}  // namespace cuda

}  // namespace millrace

// Returns from a function of Status when a call of the runtime fails.
#define MR_CUDA(call)                                           \
  do {                                                          \
    const cudaError_t mr_cuda_error = (call);                   \
    if (mr_cuda_error != cudaSuccess) [[unlikely]]              \
      return ::millrace::cuda::status_of(mr_cuda_error, #call); \
  } while (false)

#endif  // MILLRACE_CUDA_RUNTIME_H_
