// The functions of native/cuda/ptx.h by loops: the layouts of that file's head, element by element.
#ifndef MILLRACE_EMULATOR_CUDA_PTX_H_
#define MILLRACE_EMULATOR_CUDA_PTX_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <source_location>
#include <string>
#include <type_traits>
#include <vector>

#include "core/half.h"
#include "cuda/runtime.h"

namespace millrace::cuda {

inline uint16_t bf16_bits(float value) { return bf16_from_float(value); }
inline uint16_t f16_bits(float value) { return f16_from_float(value); }
inline float f16_value(uint16_t bits) { return f16_to_float(bits); }
inline uint32_t bf16_pair(float low, float high) { return uint32_t{bf16_bits(high)} << 16 | bf16_bits(low); }
inline uint32_t f16_pair(float low, float high) { return uint32_t{f16_bits(high)} << 16 | f16_bits(low); }

template <class T>
uint32_t pack_pair(float low, float high) {
  return std::is_same_v<T, BFloat16> ? bf16_pair(low, high) : f16_pair(low, high);
}

inline float exp2_approx(float x) {
  const float value = std::exp2(x);
  return value < 0x1p-126f ? 0.0f : value;
}

// One lane's part of a product of tiles.
struct EmulatedMma {
  const uint32_t* a;
  const uint32_t* b;
  const float* c;
  float d[4];
};

// The half of `word` that holds the value of k `odd`.
template <class T>
float half_of(uint32_t word, int odd) {
  const uint16_t bits = static_cast<uint16_t>(word >> (16 * odd));
  return std::is_same_v<T, BFloat16> ? bf16_to_float(bits) : f16_to_float(bits);
}

template <class T>
void multiply_tiles(void* const (&brought)[emulator::kWarpSize]) {
  const auto part = [&](int lane) { return static_cast<EmulatedMma*>(brought[lane]); };
  float a[16][16], b[16][8];
  for (int lane = 0; lane < emulator::kWarpSize; ++lane) {
    const int group = lane / 4;
    for (int odd = 0; odd < 2; ++odd) {
      const int k = 2 * (lane % 4) + odd;
      a[group][k] = half_of<T>(part(lane)->a[0], odd);
      a[group + 8][k] = half_of<T>(part(lane)->a[1], odd);
      a[group][k + 8] = half_of<T>(part(lane)->a[2], odd);
      a[group + 8][k + 8] = half_of<T>(part(lane)->a[3], odd);
      b[k][group] = half_of<T>(part(lane)->b[0], odd);
      b[k + 8][group] = half_of<T>(part(lane)->b[1], odd);
    }
  }
  for (int lane = 0; lane < emulator::kWarpSize; ++lane) {
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + 8 * (i / 2);
      const int column = 2 * (lane % 4) + i % 2;
      float sum = part(lane)->c[i];
      for (int k = 0; k < 16; ++k) sum += a[row][k] * b[k][column];
      part(lane)->d[i] = sum;
    }
  }
}

template <class T>
void mma_m16n8k16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const float (&c)[4],
                  std::source_location where = std::source_location::current()) {
  EmulatedMma own{a, b, c, {}};
  emulator::meet_warp(
      0xffffffffu, &own, [](void* const(&brought)[emulator::kWarpSize], unsigned) { multiply_tiles<T>(brought); },
      where);
  std::memcpy(d, own.d, sizeof(d));
}

struct EmulatedLdmatrix {
  const uint16_t* row;
  uint32_t* d;
};

template <bool kTransposed>
void load_matrices(void* const (&brought)[emulator::kWarpSize]) {
  const auto part = [&](int lane) { return static_cast<EmulatedLdmatrix*>(brought[lane]); };
  for (int lane = 0; lane < emulator::kWarpSize; ++lane) {
    if ((reinterpret_cast<uintptr_t>(part(lane)->row) & 15u) != 0) {
      emulator::fail_kernel("ldmatrix reads a row that is not aligned to 16 bytes");
      return;
    }
  }
  for (int lane = 0; lane < emulator::kWarpSize; ++lane) {
    const int group = lane / 4, pair = 2 * (lane % 4);
    for (int m = 0; m < 4; ++m) {
      const uint16_t low = kTransposed ? part(8 * m + pair)->row[group] : part(8 * m + group)->row[pair];
      const uint16_t high = kTransposed ? part(8 * m + pair + 1)->row[group] : part(8 * m + group)->row[pair + 1];
      part(lane)->d[m] = uint32_t{high} << 16 | low;
    }
  }
}

inline void ldmatrix_x4(uint32_t (&d)[4], const void* row,
                        std::source_location where = std::source_location::current()) {
  EmulatedLdmatrix own{static_cast<const uint16_t*>(row), d};
  emulator::meet_warp(
      0xffffffffu, &own, [](void* const(&brought)[emulator::kWarpSize], unsigned) { load_matrices<false>(brought); },
      where);
}
inline void ldmatrix_x4_trans(uint32_t (&d)[4], const void* row,
                              std::source_location where = std::source_location::current()) {
  EmulatedLdmatrix own{static_cast<const uint16_t*>(row), d};
  emulator::meet_warp(
      0xffffffffu, &own, [](void* const(&brought)[emulator::kWarpSize], unsigned) { load_matrices<true>(brought); },
      where);
}

// Bytes arrive when they are waited for and not before: until then their place holds no numbers.
inline void start_copy(void* to_shared, const void* from, bool wanted, size_t bytes) {
  if (((reinterpret_cast<uintptr_t>(to_shared) | (wanted ? reinterpret_cast<uintptr_t>(from) : 0)) & (bytes - 1)) !=
      0) {
    emulator::fail_kernel("cp.async is given an address that is not aligned to its " + std::to_string(bytes) +
                          " bytes");
  }
  std::memset(to_shared, 0xff, bytes);
  emulator::lane->copies.push_back({to_shared, wanted ? from : nullptr, emulator::lane->copy_groups, bytes});
}
inline void cp_async_16(void* to_shared, const void* from, bool wanted = true) {
  start_copy(to_shared, from, wanted, 16);
}
inline void cp_async_4(void* to_shared, const void* from, bool wanted = true) {
  start_copy(to_shared, from, wanted, 4);
}
inline void cp_async_commit() { ++emulator::lane->copy_groups; }
template <int kPending>
void cp_async_wait() {
  std::vector<emulator::AsyncCopy>& copies = emulator::lane->copies;
  size_t done = 0;
  for (; done < copies.size() && copies[done].group < emulator::lane->copy_groups - kPending; ++done) {
    if (copies[done].from == nullptr) {
      std::memset(copies[done].to, 0, copies[done].bytes);
    } else {
      std::memcpy(copies[done].to, copies[done].from, copies[done].bytes);
    }
  }
  copies.erase(copies.begin(), copies.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace millrace::cuda

#endif  // MILLRACE_EMULATOR_CUDA_PTX_H_
