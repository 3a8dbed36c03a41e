// Products of matrices by cuBLASLt. What the library needs for a shape (descriptors, an algorithm) is made at the first
// call of a rank and kept; the algorithm is timed once on a kind of GPU and then known by a file (gemm_cache.h), so
// that later runs have the same bits. Every algorithm used adds up in a fixed order.
#ifndef MILLRACE_CUDA_GEMM_H_
#define MILLRACE_CUDA_GEMM_H_

#include <cstdint>
#include <functional>

#include "core/context.h"
#include "core/status.h"
#include "core/tensor.h"

namespace millrace::cuda {

// What the product's kernel does besides. Sums are f32 and rounded once, when they are stored.
enum class Epilogue : uint8_t {
  kNone,
  kBias,          // out = product + vector(columns), of out's dtype
  kGelu,          // aux = product + vector(columns), out = gelu(aux), the tanh form; aux as out
  kGeluBackward,  // out = product * gelu'(aux), the tanh form
  kLeftSums,      // vector(rows) = sums of `left` over the depth, of out's dtype
};

// out(rows,columns) = left(rows,depth) right(depth,columns), all row-major; with accumulate, +=.
struct Gemm {
  int64_t rows = 0, columns = 0, depth = 0;
  Tensor out;
  Tensor left;   // stored (depth,rows) if left_transposed
  Tensor right;  // stored (columns,depth) if right_transposed; of left's dtype
  bool left_transposed = false;
  bool right_transposed = false;
  bool accumulate = false;
  Epilogue epilogue = Epilogue::kNone;
  void* vector = nullptr;
  void* aux = nullptr;
};

// What every product may use of context.scratch: one size for all, so that planning needs no library. 32 MiB is what
// cuBLAS recommends for Hopper; the library wants it aligned to 256 bytes.
inline constexpr int64_t kGemmWorkspaceBytes = int64_t{32} << 20;
inline constexpr int64_t kGemmWorkspaceAlignment = 256;

// Enqueues the product. Without an epilogue any shape works; with one only what gemm_offers() agreed to.
Status gemm(Context&, const Gemm&);

// Whether the library has an algorithm for this epilogue, these dtypes, shapes and alignments.
Status gemm_offers(Context&, const Gemm&, bool* out);

// Whether `fused` is worth it: offered, and not slower than `plain` with `rest` after it, which enqueues what a kernel
// of ours must then do besides and may run any number of times. Decided by timing once, then known by the file; never
// while an arena is planned or a verification runs (context.work_parts), whose bits must not depend on timing.
Status prefer_fused(Context&, const Gemm& fused, const Gemm& plain, const std::function<Status()>& rest, bool* out);

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_GEMM_H_
