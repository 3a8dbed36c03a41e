// A thread takes 16 bytes of every source, so as many loads are in flight as there are ranks, adds them up in registers
// and stores the result to every destination: an element is read once from each rank and written once to each.
#include "comm/device_reduce.h"
#include "comm/reduce_element.h"
#include "cuda/launch.h"
#include "cuda/numbers.h"

namespace millrace {

namespace {

using cuda::kVector;
using cuda::Vector;

constexpr int kThreads = 256;
constexpr int64_t kMostBlocks = 1024;
// Ranks whose values are loaded before the first two are added.
constexpr int kSpanAtOnce = 8;

template <class T>
__device__ __forceinline__ WideElement<T> widened(T value) {
  if constexpr (sizeof(T) == 2) {
    return cuda::to_float(value);
  } else {
    return value;
  }
}

template <class T>
__device__ __forceinline__ T narrowed(WideElement<T> value) {
  if constexpr (sizeof(T) == 2) {
    return cuda::from_float<T>(value);
  } else {
    return value;
  }
}

// `size` neighbouring elements of type T in their wide type.
template <class T, int size>
struct Piece {
  WideElement<T> value[size];

  __device__ __forceinline__ void load(const T* from) {
    if constexpr (size == 1) {
      value[0] = widened(*from);
    } else {
      const Vector<T> vector = cuda::load_vector(from);
#pragma unroll
      for (int i = 0; i < size; ++i) value[i] = widened(vector.value[i]);
    }
  }

  __device__ __forceinline__ void store(T* to) const {
    if constexpr (size == 1) {
      *to = narrowed<T>(value[0]);
    } else {
      Vector<T> vector;
#pragma unroll
      for (int i = 0; i < size; ++i) vector.value[i] = narrowed<T>(value[i]);
      cuda::store_vector(to, vector);
    }
  }

  __device__ __forceinline__ void combine(ReduceOp op, const Piece& right) {
#pragma unroll
    for (int i = 0; i < size; ++i) {
      value[i] = op == ReduceOp::kSum ? combined<ReduceOp::kSum>(value[i], right.value[i])
                                      : combined<ReduceOp::kMax>(value[i], right.value[i]);
    }
  }
};

// The reduction of ranks [first, first + span), of which the first exists, at `element`. All indices into `pieces` are
// known to the compiler, so it stays in registers.
template <class T, int size, int span>
__device__ __forceinline__ Piece<T, size> reduce_span(const DeviceReduction& all, int first, int64_t element) {
  if constexpr (span > kSpanAtOnce) {
    Piece<T, size> left = reduce_span<T, size, span / 2>(all, first, element);
    if (first + span / 2 < all.num_sources) {
      left.combine(all.op, reduce_span<T, size, span / 2>(all, first + span / 2, element));
    }
    return left;
  } else {
    Piece<T, size> pieces[span];
#pragma unroll
    for (int s = 0; s < span; ++s) {
      if (s == 0 || first + s < all.num_sources)
        pieces[s].load(static_cast<const T*>(all.sources[first + s]) + element);
    }
#pragma unroll
    for (int distance = 1; distance < span; distance *= 2) {
#pragma unroll
      for (int s = 0; s + distance < span; s += 2 * distance) {
        if (first + s + distance < all.num_sources) pieces[s].combine(all.op, pieces[s + distance]);
      }
    }
    return pieces[0];
  }
}

template <class T, int size, int span>
__device__ __forceinline__ void reduce_piece(const DeviceReduction& all, int64_t element) {
  const Piece<T, size> result = reduce_span<T, size, span>(all, 0, element);
  for (int d = 0; d < all.num_destinations; ++d) {
    result.store(static_cast<T*>(all.destinations[d]) + (element - all.offset));
  }
}

// For up to `span` ranks. `vectors` of 16 bytes from the beginning of the range on; what is left, one by one.
template <class T, int span>
__global__ void __launch_bounds__(kThreads) reduce_kernel(const DeviceReduction all, int64_t vectors) {
  const int64_t first = static_cast<int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  const int64_t stride = static_cast<int64_t>(gridDim.x) * kThreads;
  for (int64_t i = first; i < vectors; i += stride) {
    reduce_piece<T, kVector<T>, span>(all, all.range.begin + i * kVector<T>);
  }
  for (int64_t e = all.range.begin + vectors * kVector<T> + first; e < all.range.end; e += stride) {
    reduce_piece<T, 1, span>(all, e);
  }
}

template <class T>
bool aligned(const DeviceReduction& all) {
  bool every = true;
  for (int s = 0; s < all.num_sources; ++s) {
    every = every && cuda::aligned16(static_cast<const T*>(all.sources[s]) + all.range.begin);
  }
  for (int d = 0; d < all.num_destinations; ++d) {
    every = every && cuda::aligned16(static_cast<T*>(all.destinations[d]) + (all.range.begin - all.offset));
  }
  return every;
}

template <class T>
Status enqueue(Stream& stream, const DeviceReduction& all) {
  const int64_t count = all.range.end - all.range.begin;
  const int64_t vectors = aligned<T>(all) ? count / kVector<T> : 0;
  const auto kernel = all.num_sources <= 2   ? reduce_kernel<T, 2>
                      : all.num_sources <= 4 ? reduce_kernel<T, 4>
                      : all.num_sources <= 8 ? reduce_kernel<T, 8>
                                             : reduce_kernel<T, DeviceReduction::kMostRanks>;
  const unsigned blocks = cuda::grid_for(vectors > 0 ? vectors : count, kThreads, kMostBlocks);
  return cuda::launch(stream, kernel, dim3(blocks), dim3(kThreads), 0, all, vectors);
}

}  // namespace

Status enqueue_reduction(Stream& stream, DType dtype, const DeviceReduction& reduction) {
  switch (dtype) {
    case DType::kF32:
      return enqueue<float>(stream, reduction);
    case DType::kF64:
      return enqueue<double>(stream, reduction);
    case DType::kBF16:
      return enqueue<BFloat16>(stream, reduction);
    case DType::kF16:
      return enqueue<Float16>(stream, reduction);
    case DType::kI32:
      return enqueue<int32_t>(stream, reduction);
    case DType::kI64:
      return enqueue<int64_t>(stream, reduction);
  }
  return internal_error("a dtype without a reduction");
}

}  // namespace millrace
