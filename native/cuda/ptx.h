// Instructions that CUDA C++ has no name for; the only place with inline assembly. Fragment layouts are those of the
// PTX ISA, sections "Matrix Fragments for mma.m16n8k16", "ldmatrix" and "cp.async".
//
// In a fragment, lane = threadIdx.x % 32, group = lane / 4 and pair = lane % 4:
//
//   A (16 x 16, row-major, 8 values in 4 registers)      B (16 x 8, column n of it contiguous in k, 4 values in 2)
//     a[0]: row group,     k 2*pair, 2*pair + 1            b[0]: k 2*pair, 2*pair + 1,         column group
//     a[1]: row group + 8, k 2*pair, 2*pair + 1            b[1]: k 2*pair + 8, 2*pair + 9,     column group
//     a[2]: row group,     k 2*pair + 8, 2*pair + 9
//     a[3]: row group + 8, k 2*pair + 8, 2*pair + 9      C, D (16 x 8, f32, 4 registers)
//                                                          c[0], c[1]: row group,     columns 2*pair, 2*pair + 1
//   The value of the smaller k is in the low 16 bits.      c[2], c[3]: row group + 8, columns 2*pair, 2*pair + 1
//
// Every function with "warp" in its contract is executed by all 32 lanes together.
#ifndef MILLRACE_CUDA_PTX_H_
#define MILLRACE_CUDA_PTX_H_

#include <cstdint>

#include "core/half.h"
#include "cuda/runtime.h"

namespace millrace::cuda {

// Conversions, to nearest, ties to even. Of a pair, `low` comes first in memory.
__device__ __forceinline__ uint16_t bf16_bits(float value) {
  uint16_t bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
__device__ __forceinline__ uint16_t f16_bits(float value) {
  uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
__device__ __forceinline__ float f16_value(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}
__device__ __forceinline__ uint32_t bf16_pair(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
__device__ __forceinline__ uint32_t f16_pair(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

// Two values of T as one register.
template <class T>
__device__ __forceinline__ uint32_t pack_pair(float low, float high);
template <>
__device__ __forceinline__ uint32_t pack_pair<BFloat16>(float low, float high) {
  return bf16_pair(low, high);
}
template <>
__device__ __forceinline__ uint32_t pack_pair<Float16>(float low, float high) {
  return f16_pair(low, high);
}

// Warp: d = a b + c of one 16 x 8 x 16 tile, products exact, sums in f32. d may be c.
template <class T>
__device__ __forceinline__ void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                             const float (&c)[4]);
template <>
__device__ __forceinline__ void mma_m16n8k16<BFloat16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                                       const float (&c)[4]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%10, %11, %12, %13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}
template <>
__device__ __forceinline__ void mma_m16n8k16<Float16>(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                                                      const float (&c)[4]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%10, %11, %12, %13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]), "f"(c[3]));
}

// 2^x within 2 ulp, by the unit for special functions; results below 2^-126 are 0.
__device__ __forceinline__ float exp2_approx(float x) {
  float value;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(x));
  return value;
}

// The 32-bit address of something in shared memory.
__device__ __forceinline__ uint32_t shared_address(const void* pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

// Warp: four 8 x 8 matrices of 16-bit values from shared memory. Lane 8*m + r gives the address of row r of matrix m
// (16 bytes, aligned to 16); d[m] gets, of matrix m, row group, columns 2*pair and 2*pair + 1.
__device__ __forceinline__ void ldmatrix_x4(uint32_t (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(shared_address(row))
               : "memory");
}
// The same of the transposed matrices: d[m] gets rows 2*pair and 2*pair + 1 of column group.
__device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&d)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3])
               : "r"(shared_address(row))
               : "memory");
}

// Copies 16 bytes from global to shared memory, both aligned to 16, in the background; zeros instead where !wanted, and
// then `from` is not read. What was copied may be read after cp_async_wait() and a barrier.
__device__ __forceinline__ void cp_async_16(void* to_shared, const void* from, bool wanted = true) {
  const int bytes = wanted ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to_shared)), "l"(from), "r"(bytes)
               : "memory");
}
// The same of 4 bytes, aligned to 4.
__device__ __forceinline__ void cp_async_4(void* to_shared, const void* from, bool wanted = true) {
  const int bytes = wanted ? 4 : 0;
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(shared_address(to_shared)), "l"(from), "r"(bytes)
               : "memory");
}
// Ends a group of copies of this thread.
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most kPending of this thread's last groups are under way.
template <int kPending>
__device__ __forceinline__ void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_PTX_H_
