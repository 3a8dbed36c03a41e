// Philox4x32-10 (see core/philox.h) over many blocks at once, turned into dropout factors. Each word sits in the low
// half of a 64-bit lane, where the widening products of all instruction sets want it; what is left in the high halves
// never reaches a product's input, a kept word or the output.
#include "cpu/kernels/level.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace millrace::cpu::MILLRACE_SIMD_LEVEL {

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 8;
#elif defined(__AVX2__)
constexpr int kLanes = 4;
#else
constexpr int kLanes = 2;
#endif
constexpr int kVectors = 4;  // independent chains, to hide the latency of a product
constexpr int kBlocks = kLanes * kVectors;
constexpr int kWords = 4 * kBlocks;

typedef uint64_t Vector __attribute__((vector_size(kLanes * 8)));

#define MR_INLINE static inline __attribute__((always_inline))

// Product of the low halves.
MR_INLINE Vector multiply(Vector a, uint32_t b) {
#if defined(__AVX512F__)
  // Not _mm512_mul_epu32: GCC 12 warns of the undefined register inside it.
  return (Vector)_mm512_maskz_mul_epu32(0xff, (__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
  return (Vector)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__x86_64__)
  return (Vector)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#elif defined(__aarch64__)
  return (Vector)vmull_n_u32(vmovn_u64((uint64x2_t)a), b);
#else
  return (a & 0xffffffffu) * static_cast<uint64_t>(b);
#endif
}

// The words of blocks first .. first + kBlocks - 1, in the order of their elements.
MR_INLINE void philox_blocks(uint64_t* __restrict pairs, const MaskKey& key, uint64_t first) {
  Vector c0[kVectors], c1[kVectors], c2[kVectors], c3[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    uint64_t numbers[kLanes];
    for (int l = 0; l < kLanes; ++l) numbers[l] = first + static_cast<uint64_t>(v * kLanes + l);
    __builtin_memcpy(&c0[v], numbers, sizeof(numbers));
    c1[v] = c0[v] >> 32;
    c2[v] = Vector{} + key.step;
    c3[v] = Vector{} + key.stream;
  }
  uint32_t k0 = key.seed[0];
  uint32_t k1 = key.seed[1];
  for (int round = 0; round < 10; ++round) {
    for (int v = 0; v < kVectors; ++v) {
      const Vector p0 = multiply(c0[v], 0xD2511F53u);
      const Vector p1 = multiply(c2[v], 0xCD9E8D57u);
      c0[v] = (p1 >> 32) ^ c1[v] ^ k0;
      c1[v] = p1;
      c2[v] = (p0 >> 32) ^ c3[v] ^ k1;
      c3[v] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int v = 0; v < kVectors; ++v) {
    const Vector low = (c0[v] & 0xffffffffu) | c1[v] << 32;
    const Vector high = (c2[v] & 0xffffffffu) | c3[v] << 32;
    for (int l = 0; l < kLanes; ++l) {
      pairs[2 * (v * kLanes + l)] = low[l];
      pairs[2 * (v * kLanes + l) + 1] = high[l];
    }
  }
}

}  // namespace

void dropout_factors(float* __restrict factor, int64_t n, const MaskKey& key, uint64_t begin) {
  alignas(64) uint64_t pairs[kWords / 2];
  alignas(64) uint32_t words[kWords];
  const uint32_t threshold = key.threshold;
  const float scale = key.scale;
  int64_t skip = static_cast<int64_t>(begin % 4);  // a range may begin inside a block
  uint64_t block = begin / 4;
  for (int64_t i = 0; i < n;) {
    philox_blocks(pairs, key, block);
    for (int p = 0; p < kWords / 2; ++p) {
      words[2 * p] = static_cast<uint32_t>(pairs[p]);
      words[2 * p + 1] = static_cast<uint32_t>(pairs[p] >> 32);
    }
    const int64_t count = n - i < kWords - skip ? n - i : kWords - skip;
#pragma omp simd
    for (int64_t w = 0; w < count; ++w) factor[i + w] = words[skip + w] >= threshold ? scale : 0.0f;
    i += count;
    block += kBlocks;
    skip = 0;
  }
}

}  // namespace millrace::cpu::MILLRACE_SIMD_LEVEL
