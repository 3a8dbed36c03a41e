// What CUDA C++ adds to C++ inside kernels: keywords, built-in variables, barriers, warp operations and intrinsics, as
// far as kernels here use them. Atomics exist for integers alone: float sums by atomics have no fixed order.
#ifndef MILLRACE_EMULATOR_DEVICE_LANGUAGE_H_
#define MILLRACE_EMULATOR_DEVICE_LANGUAGE_H_

#include <math.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <string>

#include "emulator/block.h"
#include "emulator/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __grid_constant__
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __constant__ static
// One block runs at a time on a thread of the host.
#define __shared__ static thread_local

#define threadIdx (::emulator::lane->index)
#define blockIdx (::emulator::lane->block->index)
#define blockDim (::emulator::lane->block->block_size)
#define gridDim (::emulator::lane->block->grid_size)
inline constexpr int warpSize = 32;

#define MR_HERE std::source_location where = std::source_location::current()

inline void __syncthreads(MR_HERE) { emulator::meet_block(where); }
inline void __syncwarp(unsigned mask = 0xffffffffu, MR_HERE) {
  emulator::meet_warp(
      mask, &mask, [](void* const(&)[32], unsigned) {}, where);
}
inline void __threadfence_block() {}
inline void __threadfence() {}
inline void __threadfence_system() {}

namespace emulator {

template <class T>
struct Shuffled {
  T value;
  int source;  // lane to read from; outside the segment: its own
  T result;
};

template <class T>
T shuffle(unsigned mask, T value, int source, std::source_location where) {
  Shuffled<T> own{value, source, value};
  meet_warp(
      mask, &own,
      [](void* const(&brought)[kWarpSize], unsigned) {
        for (void* one : brought) {
          if (one == nullptr) continue;
          auto* to = static_cast<Shuffled<T>*>(one);
          if (brought[to->source] == nullptr) {
            fail_kernel("a shuffle reads lane " + std::to_string(to->source) + ", which is not in the mask");
            return;
          }
          to->result = static_cast<Shuffled<T>*>(brought[to->source])->value;
        }
      },
      where);
  return own.result;
}

// Every lane's predicate as a bit.
inline unsigned ballot(unsigned mask, bool predicate, std::source_location where) {
  struct Vote {
    bool predicate;
    unsigned result;
  } own{predicate, 0};
  meet_warp(
      mask, &own,
      [](void* const(&brought)[kWarpSize], unsigned) {
        unsigned votes = 0;
        for (int i = 0; i < kWarpSize; ++i) {
          if (brought[i] != nullptr && static_cast<Vote*>(brought[i])->predicate) votes |= 1u << i;
        }
        for (void* one : brought) {
          if (one != nullptr) static_cast<Vote*>(one)->result = votes;
        }
      },
      where);
  return own.result;
}

}  // namespace emulator

// Lanes are in segments of `width`; a source outside the lane's own segment leaves its value.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, MR_HERE) {
  const int begin = emulator::lane_number() / width * width;
  return emulator::shuffle(mask, value, begin + (source & (width - 1)), where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, MR_HERE) {
  const int own = emulator::lane_number();
  const int source = own - static_cast<int>(delta);
  return emulator::shuffle(mask, value, source < own / width * width ? own : source, where);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, MR_HERE) {
  const int own = emulator::lane_number();
  const int source = own + static_cast<int>(delta);
  return emulator::shuffle(mask, value, source >= own / width * width + width ? own : source, where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, MR_HERE) {
  const int own = emulator::lane_number();
  const int source = own ^ bits;
  return emulator::shuffle(mask, value, source >= own / width * width + width ? own : source, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, MR_HERE) {
  return emulator::ballot(mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate, MR_HERE) {
  return emulator::ballot(mask, predicate != 0, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, MR_HERE) {
  return emulator::ballot(mask, predicate != 0, where) == mask;
}

#undef MR_HERE

// Memory. Hints about caches change no result.
template <class T>
T __ldg(const T* from) {
  return *from;
}
template <class T>
T __ldcs(const T* from) {
  return *from;
}
template <class T>
T __ldcg(const T* from) {
  return *from;
}
template <class T>
void __stcs(T* to, T value) {
  *to = value;
}
template <class T>
void __stcg(T* to, T value) {
  *to = value;
}
#define MR_ATOMICS(T)                                                                            \
  inline T atomicAdd(T* to, T value) { return __atomic_fetch_add(to, value, __ATOMIC_SEQ_CST); } \
  inline T atomicOr(T* to, T value) { return __atomic_fetch_or(to, value, __ATOMIC_SEQ_CST); }   \
  inline T atomicExch(T* to, T value) { return __atomic_exchange_n(to, value, __ATOMIC_SEQ_CST); }
MR_ATOMICS(int)
MR_ATOMICS(unsigned)
MR_ATOMICS(unsigned long long)
#undef MR_ATOMICS

// Bits.
inline float __uint_as_float(unsigned bits) { return std::bit_cast<float>(bits); }
inline unsigned __float_as_uint(float value) { return std::bit_cast<unsigned>(value); }
inline float __int_as_float(int bits) { return std::bit_cast<float>(bits); }
inline int __float_as_int(float value) { return std::bit_cast<int>(value); }
inline double __longlong_as_double(long long bits) { return std::bit_cast<double>(bits); }
inline long long __double_as_longlong(double value) { return std::bit_cast<long long>(value); }
inline unsigned __umulhi(unsigned a, unsigned b) { return static_cast<unsigned>(uint64_t{a} * b >> 32); }
inline int __popc(unsigned bits) { return std::popcount(bits); }
inline int __popcll(unsigned long long bits) { return std::popcount(bits); }
inline int __clz(int bits) { return std::countl_zero(static_cast<unsigned>(bits)); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }

// Arithmetic. The fast intrinsics are as exact here as their slow twins: tests against the oracle allow for the
// difference.
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __fdividef(float x, float y) { return x / y; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmaf_rn(float x, float y, float z) { return fmaf(x, y, z); }
inline float __fmul_rn(float x, float y) { return x * y; }
inline float __fadd_rn(float x, float y) { return x + y; }
inline float __fsub_rn(float x, float y) { return x - y; }
inline float __fdiv_rn(float x, float y) { return x / y; }
inline float __fsqrt_rn(float x) { return sqrtf(x); }
inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }
inline double __ddiv_rn(double x, double y) { return x / y; }
inline double __dsqrt_rn(double x) { return sqrt(x); }
inline double __fma_rn(double x, double y, double z) { return fma(x, y, z); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
#define MR_MIN_MAX(T)                              \
  inline T min(T a, T b) { return b < a ? b : a; } \
  inline T max(T a, T b) { return a < b ? b : a; }
MR_MIN_MAX(int)
MR_MIN_MAX(unsigned)
MR_MIN_MAX(long)
MR_MIN_MAX(unsigned long)
MR_MIN_MAX(long long)
MR_MIN_MAX(unsigned long long)
#undef MR_MIN_MAX
inline float min(float a, float b) { return fminf(a, b); }
inline float max(float a, float b) { return fmaxf(a, b); }
inline double min(double a, double b) { return fmin(a, b); }
inline double max(double a, double b) { return fmax(a, b); }

#endif  // MILLRACE_EMULATOR_DEVICE_LANGUAGE_H_
