// Eight neighbouring values of a tensor: what a thread of the elementwise and row kernels moves at a time, whatever the
// dtype: one 16-byte access in the 16-bit formats and two in f32. Eight is also two blocks of Philox. Where an octet is
// cut off or not aligned it is moved value by value, with zeros in place of what is not there.
#ifndef MILLRACE_CUDA_OCTET_H_
#define MILLRACE_CUDA_OCTET_H_

#include "cuda/launch.h"
#include "cuda/numbers.h"

namespace millrace::cuda {

inline constexpr int kOctet = 8;

template <class T>
struct Octet {
  Vector<T> part[kOctet / kVector<T>];

  __device__ __forceinline__ T& at(int i) { return part[i / kVector<T>].value[i % kVector<T>]; }
  __device__ __forceinline__ T at(int i) const { return part[i / kVector<T>].value[i % kVector<T>]; }
};

// All eight; the pointer is aligned to 16 bytes.
template <class T>
__device__ __forceinline__ Octet<T> load_whole(const T* from) {
  Octet<T> octet;
#pragma unroll
  for (int i = 0; i < kOctet / kVector<T>; ++i) octet.part[i] = load_vector(from + i * kVector<T>);
  return octet;
}
template <class T>
__device__ __forceinline__ void store_whole(T* to, const Octet<T>& octet) {
#pragma unroll
  for (int i = 0; i < kOctet / kVector<T>; ++i) store_vector(to + i * kVector<T>, octet.part[i]);
}

// The first `left` of eight; `left` may be anything.
template <class T>
__device__ __forceinline__ Octet<T> load_part(const T* from, int64_t left) {
  Octet<T> octet{};
#pragma unroll
  for (int i = 0; i < kOctet; ++i) {
    if (i < left) octet.at(i) = from[i];
  }
  return octet;
}
template <class T>
__device__ __forceinline__ void store_part(T* to, const Octet<T>& octet, int64_t left) {
#pragma unroll
  for (int i = 0; i < kOctet; ++i) {
    if (i < left) to[i] = octet.at(i);
  }
}

// kWhole: all octets are aligned and none is cut off, so `left` only says whether there is one.
template <bool kWhole, class T>
__device__ __forceinline__ Octet<T> load_octet(const T* from, int64_t left) {
  if constexpr (kWhole) {
    return left > 0 ? load_whole(from) : Octet<T>{};
  } else {
    return load_part(from, left);
  }
}
template <bool kWhole, class T>
__device__ __forceinline__ void store_octet(T* to, const Octet<T>& octet, int64_t left) {
  if constexpr (kWhole) {
    if (left > 0) store_whole(to, octet);
  } else {
    store_part(to, octet, left);
  }
}

// For flat tensors, of which only the last octet may be cut off.
template <class T>
__device__ __forceinline__ Octet<T> load_octet(const T* from, int64_t left, bool aligned) {
  return aligned && left >= kOctet ? load_whole(from) : load_part(from, left);
}
template <class T>
__device__ __forceinline__ void store_octet(T* to, const Octet<T>& octet, int64_t left, bool aligned) {
  if (aligned && left >= kOctet) {
    store_whole(to, octet);
  } else {
    store_part(to, octet, left);
  }
}

template <class T>
__device__ __forceinline__ void widen(float (&to)[kOctet], const Octet<T>& from) {
#pragma unroll
  for (int i = 0; i < kOctet; ++i) to[i] = to_float(from.at(i));
}

template <class T>
__device__ __forceinline__ Octet<T> narrow(const float (&from)[kOctet]) {
  Octet<T> octet;
#pragma unroll
  for (int i = 0; i < kOctet; i += 2) {
    if constexpr (sizeof(T) == 2) {
      const uint32_t pair = pack_pair<T>(from[i], from[i + 1]);
      octet.at(i).bits = static_cast<uint16_t>(pair);
      octet.at(i + 1).bits = static_cast<uint16_t>(pair >> 16);
    } else {
      octet.at(i) = from_float<T>(from[i]);
      octet.at(i + 1) = from_float<T>(from[i + 1]);
    }
  }
  return octet;
}

// Flat tensors: octets are dealt to the threads of the grid in turn.
inline constexpr int kFlatThreads = 256;
inline dim3 flat_grid(int64_t count) { return dim3(grid_for(count, int64_t{kFlatThreads} * kOctet, int64_t{1} << 16)); }
__device__ __forceinline__ int64_t first_octet() {
  return (static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) * kOctet;
}
__device__ __forceinline__ int64_t octet_stride() { return static_cast<int64_t>(gridDim.x) * blockDim.x * kOctet; }

inline int64_t columns_of(const Tensor& x) { return x.dim(x.shape.rank - 1); }
inline int64_t rows_of(const Tensor& x) {
  const int64_t columns = columns_of(x);
  return columns == 0 ? 0 : x.num_elements() / columns;
}

// Whether rows of `columns` values, here of all `pointers`, consist of whole octets; null pointers are not looked at.
template <class... Pointers>
bool whole_octets(int64_t columns, const Pointers*... pointers) {
  return columns % kOctet == 0 && (aligned16(pointers) && ...);
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_OCTET_H_
