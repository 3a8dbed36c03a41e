// Numbers in kernels: storage types to and from f32, 16-byte vectors of them, and sums over a warp or a block in one
// fixed order. T is float, BFloat16 or Float16; arithmetic is in f32 or f64.
#ifndef MILLRACE_CUDA_NUMBERS_H_
#define MILLRACE_CUDA_NUMBERS_H_

#include <cmath>
#include <cstdint>

#include "core/half.h"
#include "cuda/ptx.h"
#include "cuda/runtime.h"

namespace millrace::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ float to_float(float value) { return value; }
__device__ __forceinline__ float to_float(BFloat16 value) {
  return __uint_as_float(static_cast<uint32_t>(value.bits) << 16);
}
__device__ __forceinline__ float to_float(Float16 value) { return f16_value(value.bits); }

// Rounds once, to nearest, ties to even.
template <class T>
__device__ __forceinline__ T from_float(float value);
template <>
__device__ __forceinline__ float from_float<float>(float value) {
  return value;
}
template <>
__device__ __forceinline__ BFloat16 from_float<BFloat16>(float value) {
  BFloat16 out;
  out.bits = bf16_bits(value);
  return out;
}
template <>
__device__ __forceinline__ Float16 from_float<Float16>(float value) {
  Float16 out;
  out.bits = f16_bits(value);
  return out;
}

// 16 bytes of T, as one access moves them.
template <class T>
inline constexpr int kVector = 16 / static_cast<int>(sizeof(T));

template <class T>
struct alignas(16) Vector {
  T value[kVector<T>];
};

// True where 16-byte accesses to `pointer` are allowed.
__host__ __device__ __forceinline__ bool aligned16(const void* pointer) {
  return (reinterpret_cast<uintptr_t>(pointer) & 15u) == 0;
}

// `from` and `to` are aligned to 16 bytes.
template <class T>
__device__ __forceinline__ Vector<T> load_vector(const T* from) {
  return *reinterpret_cast<const Vector<T>*>(from);
}
template <class T>
__device__ __forceinline__ void store_vector(T* to, const Vector<T>& vector) {
  *reinterpret_cast<Vector<T>*>(to) = vector;
}

// kVector<T> values from and to 16 aligned bytes, as f32.
template <class T>
__device__ __forceinline__ void load_floats(float (&out)[kVector<T>], const T* from) {
  const Vector<T> vector = load_vector(from);
#pragma unroll
  for (int i = 0; i < kVector<T>; ++i) out[i] = to_float(vector.value[i]);
}

struct Add {
  template <class S>
  __device__ __forceinline__ S operator()(S a, S b) const {
    return a + b;
  }
};
// The larger; not a number if either is.
struct Larger {
  template <class S>
  __device__ __forceinline__ S operator()(S a, S b) const {
    return a > b || a != a ? a : b;
  }
};

// All lanes of the warp together; every lane gets the same bits: lanes are joined in pairs, then pairs of pairs.
template <class S, class Join>
__device__ __forceinline__ S warp_join(S value, Join join) {
#pragma unroll
  for (int distance = 1; distance < kWarp; distance *= 2) {
    value = join(value, __shfl_xor_sync(kAllLanes, value, distance));
  }
  return value;
}

// All threads of the block together, whose size is a multiple of 32; every thread gets the same bits. Warps are joined
// as lanes are. Contains barriers; may be called again at once.
template <class S, class Join>
__device__ __forceinline__ S block_join(S value, S neutral, Join join) {
  __shared__ S warps[kWarp];
  const int thread = static_cast<int>(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
  const int num_warps = static_cast<int>(blockDim.x * blockDim.y * blockDim.z) / kWarp;
  value = warp_join(value, join);
  if (num_warps == 1) return value;
  if (thread % kWarp == 0) warps[thread / kWarp] = value;
  __syncthreads();
  value = warp_join(thread % kWarp < num_warps ? warps[thread % kWarp] : neutral, join);
  __syncthreads();  // the next call writes
  return value;
}

// S is float or double.
template <class S>
__device__ __forceinline__ S warp_sum(S value) {
  return warp_join(value, Add{});
}
template <class S>
__device__ __forceinline__ S warp_max(S value) {
  return warp_join(value, Larger{});
}
template <class S>
__device__ __forceinline__ S block_sum(S value) {
  return block_join(value, S{0}, Add{});
}
template <class S>
__device__ __forceinline__ S block_max(S value) {
  return block_join(value, -static_cast<S>(INFINITY), Larger{});
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_NUMBERS_H_
