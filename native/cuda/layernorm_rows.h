// LayerNorm of rows that a source makes: read from a tensor, or computed and stored on the way. A row lives in the
// registers of its threads, so it is read once; the variance is a second pass over them, since the difference of two
// large sums would lose what matters. How a row is spread over threads depends on C alone: every source has the same
// bits.
//
//   C <= 1024   a warp a row, four rows a block; no barriers
//   C <= 8192   a block a row, 16 columns a thread
//   wider       a block of 512 threads passes over the row three times, of which two find it in the cache
//
// A source has: Raw, what it reads of an octet; row(n, columns), which has fetch<kWhole>(c, left) -> Raw,
// values(Raw, c, left, float[8]), the values as stored with zeros past the end, store<kWhole>(c, left, float[8]), and
// stored<kWhole>(c, left, float[8]) for what store() stored.
#ifndef MILLRACE_CUDA_LAYERNORM_ROWS_H_
#define MILLRACE_CUDA_LAYERNORM_ROWS_H_

#include "cuda/octet.h"

namespace millrace::cuda {

inline constexpr int kMostRowWarps = 16;
inline constexpr int kBlockRowOctets = 2;
inline constexpr int64_t kWidestCached = int64_t{kMostRowWarps} * kWarp * kBlockRowOctets * kOctet;

template <class T>
struct NormOutput {
  T* y;  // null: no norm follows
  float* mean;
  float* rstd;
  const T* gamma;
  const T* beta;
  float epsilon;
};

// The threads of a row together: a warp, or a block of several. `shared` has a number for each warp; two uses of the
// same one have another of another between them.
__device__ __forceinline__ float row_sum(float value, float* shared) {
  value = warp_sum(value);
  if (blockDim.x == kWarp) return value;
  if (threadIdx.x % kWarp == 0) shared[threadIdx.x / kWarp] = value;
  __syncthreads();
  float sum = 0.0f;
  for (unsigned warp = 0; warp < blockDim.x / kWarp; ++warp) sum += shared[warp];
  return sum;
}

__device__ __forceinline__ float octet_sum(const float (&value)[kOctet]) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kOctet; ++i) sum += value[i];
  return sum;
}

template <bool kWhole>
__device__ __forceinline__ float octet_squares(const float (&value)[kOctet], float mean, int64_t left) {
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kOctet; ++i) {
    const float centered = value[i] - mean;
    if (kWhole ? left > 0 : i < left) sum += centered * centered;
  }
  return sum;
}

template <bool kWhole, class T>
__device__ __forceinline__ void store_normalized(const NormOutput<T>& out, int64_t row_begin, int64_t c, int64_t left,
                                                 const float (&value)[kOctet], float mean, float rstd) {
  float gamma[kOctet], beta[kOctet], y[kOctet];
  widen(gamma, load_octet<kWhole>(out.gamma + c, left));
  widen(beta, load_octet<kWhole>(out.beta + c, left));
#pragma unroll
  for (int i = 0; i < kOctet; ++i) y[i] = (value[i] - mean) * rstd * gamma[i] + beta[i];
  store_octet<kWhole>(out.y + row_begin + c, narrow<T>(y), left);
}

template <class T>
__device__ __forceinline__ float finish_statistics(const NormOutput<T>& out, int64_t n, float mean, float squares,
                                                   int64_t columns) {
  const float rstd = 1.0f / sqrtf(squares / static_cast<float>(columns) + out.epsilon);
  if (threadIdx.x == 0) {
    out.mean[n] = mean;
    out.rstd[n] = rstd;
  }
  return rstd;
}

// Thread x of a row has the octets x, x + blockDim.x, ..., kOctets of them.
template <int kOctets, bool kWhole, class T, class Source>
__global__ void __launch_bounds__(kOctets == kBlockRowOctets ? kMostRowWarps * kWarp : 4 * kWarp, 1)
    cached_rows_kernel(Source source, NormOutput<T> out, int64_t rows, int64_t columns) {
  __shared__ float sums[2][kMostRowWarps];
  for (int64_t n = static_cast<int64_t>(blockIdx.x) * blockDim.y + threadIdx.y; n < rows;
       n += static_cast<int64_t>(gridDim.x) * blockDim.y) {
    const auto row = source.row(n, columns);
    const auto column = [](int k) { return static_cast<int64_t>(k * blockDim.x + threadIdx.x) * kOctet; };
    typename Source::Raw raw[kOctets];
    float value[kOctets][kOctet];
#pragma unroll
    for (int k = 0; k < kOctets; ++k) raw[k] = row.template fetch<kWhole>(column(k), columns - column(k));
    float sum = 0.0f;
#pragma unroll
    for (int k = 0; k < kOctets; ++k) {
      row.template values<kWhole>(raw[k], column(k), columns - column(k), value[k]);
      sum += octet_sum(value[k]);
    }
#pragma unroll
    for (int k = 0; k < kOctets; ++k) row.template store<kWhole>(column(k), columns - column(k), value[k]);
    if (out.y == nullptr) continue;
    const float mean = row_sum(sum, sums[0]) / static_cast<float>(columns);
    float squares = 0.0f;
#pragma unroll
    for (int k = 0; k < kOctets; ++k) squares += octet_squares<kWhole>(value[k], mean, columns - column(k));
    const float rstd = finish_statistics(out, n, mean, row_sum(squares, sums[1]), columns);
#pragma unroll
    for (int k = 0; k < kOctets; ++k) {
      store_normalized<kWhole>(out, n * columns, column(k), columns - column(k), value[k], mean, rstd);
    }
  }
}

template <bool kWhole, class T, class Source>
__global__ void __launch_bounds__(kMostRowWarps* kWarp)
    wide_rows_kernel(Source source, NormOutput<T> out, int64_t rows, int64_t columns) {
  __shared__ float sums[2][kMostRowWarps];
  const int64_t first = static_cast<int64_t>(threadIdx.x) * kOctet;
  const int64_t stride = static_cast<int64_t>(blockDim.x) * kOctet;
  for (int64_t n = blockIdx.x; n < rows; n += gridDim.x) {
    const auto row = source.row(n, columns);
    float value[kOctet];
    float sum = 0.0f;
    for (int64_t c = first; c < columns; c += stride) {
      row.template values<kWhole>(row.template fetch<kWhole>(c, columns - c), c, columns - c, value);
      row.template store<kWhole>(c, columns - c, value);
      sum += octet_sum(value);
    }
    if (out.y == nullptr) continue;
    const float mean = row_sum(sum, sums[0]) / static_cast<float>(columns);
    float squares = 0.0f;
    for (int64_t c = first; c < columns; c += stride) {
      row.template stored<kWhole>(c, columns - c, value);
      squares += octet_squares<kWhole>(value, mean, columns - c);
    }
    const float rstd = finish_statistics(out, n, mean, row_sum(squares, sums[1]), columns);
    for (int64_t c = first; c < columns; c += stride) {
      row.template stored<kWhole>(c, columns - c, value);
      store_normalized<kWhole>(out, n * columns, c, columns - c, value, mean, rstd);
    }
  }
}

template <bool kWhole, class T, class Source>
Status launch_rows(Context& context, const Source& source, const NormOutput<T>& out, int64_t rows, int64_t columns) {
  constexpr int64_t kMostBlocks = int64_t{1} << 16;
  if (columns > kWidestCached) {
    return launch(context, wide_rows_kernel<kWhole, T, Source>, grid_for(rows, 1, kMostBlocks), kMostRowWarps * kWarp,
                  0, source, out, rows, columns);
  }
  constexpr int64_t kWarpColumns = int64_t{kWarp} * kOctet;
  constexpr unsigned kRows = 4;
  const dim3 grid(grid_for(rows, kRows, kMostBlocks)), warps(kWarp, kRows);
  if (columns <= 2 * kWarpColumns) {
    return launch(context, cached_rows_kernel<2, kWhole, T, Source>, grid, warps, 0, source, out, rows, columns);
  }
  if (columns <= 4 * kWarpColumns) {
    return launch(context, cached_rows_kernel<4, kWhole, T, Source>, grid, warps, 0, source, out, rows, columns);
  }
  const int64_t num_warps = (columns + kBlockRowOctets * kWarpColumns - 1) / (kBlockRowOctets * kWarpColumns);
  return launch(context, cached_rows_kernel<kBlockRowOctets, kWhole, T, Source>, grid_for(rows, 1, kMostBlocks),
                static_cast<unsigned>(num_warps * kWarp), 0, source, out, rows, columns);
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_LAYERNORM_ROWS_H_
