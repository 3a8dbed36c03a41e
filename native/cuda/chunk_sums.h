// Sums of a whole tensor to one f64, with the same bits on every GPU: chunks of a fixed size have a partial sum each,
// in a fixed order of their threads, and one block adds the partial sums in a fixed order. One read of the tensor.
#ifndef MILLRACE_CUDA_CHUNK_SUMS_H_
#define MILLRACE_CUDA_CHUNK_SUMS_H_

#include "cuda/octet.h"

namespace millrace::cuda {

inline constexpr int kChunkThreads = 256;
inline constexpr int64_t kChunkElements = int64_t{1} << 15;

// partials[chunk] = sum of term(value) over the chunk's values.
template <class T, class Term>
__global__ void chunk_sums_kernel(double* partials, const T* x, int64_t count, bool aligned, Term term) {
  constexpr int kPart = kVector<T>;
  for (int64_t chunk = blockIdx.x; chunk * kChunkElements < count; chunk += gridDim.x) {
    const T* from = x + chunk * kChunkElements;
    const int64_t left = count - chunk * kChunkElements;
    double sum = 0.0;
#pragma unroll 4
    for (int64_t i = static_cast<int64_t>(threadIdx.x) * kPart; i < kChunkElements; i += kChunkThreads * kPart) {
      Vector<T> vector{};  // a term of zero is zero
      if (aligned && i + kPart <= left) {
        vector = load_vector(from + i);
      } else {
#pragma unroll
        for (int k = 0; k < kPart; ++k) {
          if (i + k < left) vector.value[k] = from[i + k];
        }
      }
#pragma unroll
      for (int k = 0; k < kPart; ++k) sum += term(vector.value[k]);
    }
    sum = block_sum(sum);
    if (threadIdx.x == 0) partials[chunk] = sum;
  }
}

// *out += all partial sums; one block.
template <class Unused = void>
__global__ void __launch_bounds__(1024) add_chunk_sums_kernel(double* out, const double* partials, int64_t count) {
  double sum = 0.0;
#pragma unroll 4
  for (int64_t i = threadIdx.x; i < count; i += blockDim.x) sum += partials[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *out += sum;
}

inline int64_t num_chunks_of(const Tensor& x) { return (x.num_elements() + kChunkElements - 1) / kChunkElements; }

// Workspace: an f64 for each chunk.
inline Status alloc_chunk_sums(Context& context, const Tensor& x, Tensor* partials) {
  MR_CHECK(context.scratch != nullptr);
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF64, Shape(num_chunks_of(x)), partials));
  context.scratch->release(mark);  // nothing else is allocated before the end
  return ok();
}

// out += sum of term(value) over the values of x, of type T.
template <class T, class Term>
Status add_chunk_sums(Context& context, Tensor out, const Tensor& x, const Tensor& partials, const Term& term) {
  const int64_t num_chunks = num_chunks_of(x);
  if (num_chunks == 0) return ok();
  MR_RETURN_IF_ERROR(launch(context, chunk_sums_kernel<T, Term>, grid_for(num_chunks, 1, int64_t{1} << 20),
                            kChunkThreads, 0, partials.as<double>(), x.as<T>(), x.num_elements(), aligned16(x.data),
                            term));
  return launch(context, add_chunk_sums_kernel<>, 1, 1024, 0, out.as<double>(), partials.as<double>(), num_chunks);
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_CHUNK_SUMS_H_
