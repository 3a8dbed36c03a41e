// Forward: one read of x, one write of y. Backward: x, dy and dx are read and dx is written once; the partial sums for
// gamma and beta are at most 512 rows of 2 C floats, written and read once.
#include "cuda/column_sums.h"
#include "cuda/cuda_ops.h"
#include "cuda/layernorm_rows.h"

namespace millrace::cuda {

namespace {

// Rows of a tensor as they are, as a source of layernorm_rows.h.
template <class T>
struct TensorRows {
  using Raw = Octet<T>;

  struct Row {
    const T* x;

    template <bool kWhole>
    __device__ __forceinline__ Raw fetch(int64_t c, int64_t left) const {
      return load_octet<kWhole>(x + c, left);
    }
    template <bool kWhole>
    __device__ __forceinline__ void values(const Raw& raw, int64_t, int64_t, float (&value)[kOctet]) const {
      widen(value, raw);
    }
    template <bool kWhole>
    __device__ __forceinline__ void store(int64_t, int64_t, const float (&)[kOctet]) const {}
    template <bool kWhole>
    __device__ __forceinline__ void stored(int64_t c, int64_t left, float (&value)[kOctet]) const {
      widen(value, load_octet<kWhole>(x + c, left));
    }
  };

  const T* x;

  __device__ __forceinline__ Row row(int64_t n, int64_t columns) const { return Row{x + n * columns}; }
};

constexpr int64_t kMostParts = 512;  // blocks: four for each multiprocessor of an H100, which run all at once
constexpr int64_t kMostWarps = 8;    // of a block, so that a thread may have 80 registers, or 255
constexpr int64_t kWidestBackward = kMostWarps * kWarp * 2 * kOctet;

template <class T>
struct BackwardArguments {
  T* dx;
  float* partials;  // (parts, 2 C): of dgamma, then of dbeta
  const T* dy;
  const T* x;
  const float* mean;
  const float* rstd;
  const T* gamma;
  int64_t rows, columns, rows_each;
};

// The two sums of a row over the block. `shared` is used again two rows later, with a barrier between.
__device__ __forceinline__ void row_sums(float& a, float& b, float (&shared)[2][kMostRowWarps]) {
  a = warp_sum(a);
  b = warp_sum(b);
  if (blockDim.x == kWarp) return;
  if (threadIdx.x % kWarp == 0) {
    shared[0][threadIdx.x / kWarp] = a;
    shared[1][threadIdx.x / kWarp] = b;
  }
  __syncthreads();
  a = b = 0.0f;
  for (unsigned warp = 0; warp < blockDim.x / kWarp; ++warp) {
    a += shared[0][warp];
    b += shared[1][warp];
  }
}

// With xhat = (x - mean) * rstd and g = dy * gamma: dx += rstd * (g - mean(g) - xhat * mean(g * xhat)).
template <class T>
__device__ __forceinline__ Octet<T> add_gradient(const Octet<T>& dx, const float (&g)[kOctet],
                                                 const float (&xhat)[kOctet], float rstd, float mean_g,
                                                 float mean_g_xhat) {
  float sum[kOctet];
  widen(sum, dx);
#pragma unroll
  for (int i = 0; i < kOctet; ++i) sum[i] += rstd * (g[i] - mean_g - xhat[i] * mean_g_xhat);
  return narrow<T>(sum);
}

// A block takes rows_each rows, one after the other; its threads keep their columns' sums for gamma and beta. Where
// registers allow, the next row is fetched before this one is added up.
template <int kOctets, bool kWhole, class T>
__global__ void __launch_bounds__(kMostWarps* kWarp, kWhole && sizeof(T) == 2 ? 4 - kOctets : 1)
    layernorm_backward_kernel(BackwardArguments<T> a) {
  __shared__ float sums[2][2][kMostRowWarps];
  struct Raw {
    Octet<T> x[kOctets], dy[kOctets], dx[kOctets];
    float mean, rstd;
  };
  const auto column = [](int k) { return static_cast<int64_t>(k * blockDim.x + threadIdx.x) * kOctet; };
  const auto fetch = [&a, &column](int64_t n) {
    Raw raw;
#pragma unroll
    for (int k = 0; k < kOctets; ++k) {
      const int64_t e = n * a.columns + column(k), left = a.columns - column(k);
      raw.x[k] = load_octet<kWhole>(a.x + e, left);
      raw.dy[k] = load_octet<kWhole>(a.dy + e, left);
      raw.dx[k] = load_octet<kWhole, T>(a.dx + e, left);
    }
    raw.mean = a.mean[n];
    raw.rstd = a.rstd[n];
    return raw;
  };
  float gamma[kOctets][kOctet], dgamma[kOctets][kOctet] = {}, dbeta[kOctets][kOctet] = {};
#pragma unroll
  for (int k = 0; k < kOctets; ++k) {
    widen(gamma[k], load_octet<kWhole>(a.gamma + column(k), a.columns - column(k)));
  }
  const int64_t begin = blockIdx.x * a.rows_each;
  const int64_t end = begin + a.rows_each < a.rows ? begin + a.rows_each : a.rows;
  const float scale = 1.0f / static_cast<float>(a.columns);
  constexpr bool kFetchesAhead = kOctets == 1;
  Raw next;
  if constexpr (kFetchesAhead) next = fetch(begin);
  for (int64_t n = begin; n < end; ++n) {
    const Raw raw = kFetchesAhead ? next : fetch(n);
    if (kFetchesAhead && n + 1 < end) next = fetch(n + 1);
    float g[kOctets][kOctet], xhat[kOctets][kOctet];
    float sum_g = 0.0f, sum_g_xhat = 0.0f;
#pragma unroll
    for (int k = 0; k < kOctets; ++k) {
      widen(xhat[k], raw.x[k]);
      widen(g[k], raw.dy[k]);
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        // Past the end dy and gamma are zero, and so is all that is added.
        xhat[k][i] = (xhat[k][i] - raw.mean) * raw.rstd;
        dgamma[k][i] += g[k][i] * xhat[k][i];
        dbeta[k][i] += g[k][i];
        g[k][i] *= gamma[k][i];
        sum_g += g[k][i];
        sum_g_xhat += g[k][i] * xhat[k][i];
      }
    }
    row_sums(sum_g, sum_g_xhat, sums[n & 1]);
#pragma unroll
    for (int k = 0; k < kOctets; ++k) {
      store_octet<kWhole>(a.dx + n * a.columns + column(k),
                          add_gradient(raw.dx[k], g[k], xhat[k], raw.rstd, sum_g * scale, sum_g_xhat * scale),
                          a.columns - column(k));
    }
  }
  float* const partial = a.partials + blockIdx.x * 2 * a.columns;
#pragma unroll
  for (int k = 0; k < kOctets; ++k) {
#pragma unroll
    for (int i = 0; i < kOctet; ++i) {
      if (column(k) + i < a.columns) {
        partial[column(k) + i] = dgamma[k][i];
        partial[a.columns + column(k) + i] = dbeta[k][i];
      }
    }
  }
}

// Rows that do not fit in registers: read twice, and the block's sums are kept where they will be added up.
template <bool kWhole, class T>
__global__ void __launch_bounds__(kMostWarps* kWarp) wide_layernorm_backward_kernel(BackwardArguments<T> a) {
  __shared__ float sums[2][2][kMostRowWarps];
  const int64_t first = static_cast<int64_t>(threadIdx.x) * kOctet;
  const int64_t stride = static_cast<int64_t>(blockDim.x) * kOctet;
  const int64_t begin = blockIdx.x * a.rows_each;
  const int64_t end = begin + a.rows_each < a.rows ? begin + a.rows_each : a.rows;
  const float scale = 1.0f / static_cast<float>(a.columns);
  float* const partial = a.partials + blockIdx.x * 2 * a.columns;
  for (int64_t n = begin; n < end; ++n) {
    const float mean = a.mean[n], rstd = a.rstd[n];
    float dy[kOctet], g[kOctet], xhat[kOctet];
    const auto load = [&](int64_t c) {
      widen(xhat, load_octet<kWhole>(a.x + n * a.columns + c, a.columns - c));
      widen(dy, load_octet<kWhole>(a.dy + n * a.columns + c, a.columns - c));
      widen(g, load_octet<kWhole>(a.gamma + c, a.columns - c));
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        xhat[i] = (xhat[i] - mean) * rstd;
        g[i] *= dy[i];
      }
    };
    float sum_g = 0.0f, sum_g_xhat = 0.0f;
    for (int64_t c = first; c < a.columns; c += stride) {
      load(c);
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        sum_g += g[i];
        sum_g_xhat += g[i] * xhat[i];
      }
    }
    row_sums(sum_g, sum_g_xhat, sums[n & 1]);
    for (int64_t c = first; c < a.columns; c += stride) {
      load(c);
      T* const dx = a.dx + n * a.columns + c;
      const Octet<T> old = load_octet<kWhole, T>(dx, a.columns - c);
      store_octet<kWhole>(dx, add_gradient(old, g, xhat, rstd, sum_g * scale, sum_g_xhat * scale), a.columns - c);
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        if (c + i >= a.columns) continue;
        float& dgamma = partial[c + i];
        float& dbeta = partial[a.columns + c + i];
        dgamma = (n == begin ? 0.0f : dgamma) + dy[i] * xhat[i];
        dbeta = (n == begin ? 0.0f : dbeta) + dy[i];
      }
    }
  }
}

template <bool kWhole, class T>
Status launch_backward(Context& context, const BackwardArguments<T>& arguments, int64_t parts) {
  const auto threads = [&](int octets) {
    const int64_t needed = (arguments.columns + octets * kOctet - 1) / (octets * kOctet);
    return static_cast<unsigned>((needed + kWarp - 1) / kWarp * kWarp);
  };
  const dim3 grid(static_cast<unsigned>(parts));
  if (arguments.columns > kWidestBackward) {
    return launch(context, wide_layernorm_backward_kernel<kWhole, T>, grid, kMostWarps * kWarp, 0, arguments);
  }
  if (arguments.columns > kWidestBackward / 2) {
    return launch(context, layernorm_backward_kernel<2, kWhole, T>, grid, threads(2), 0, arguments);
  }
  return launch(context, layernorm_backward_kernel<1, kWhole, T>, grid, threads(1), 0, arguments);
}

}  // namespace

template <class T>
Status layernorm_forward(Context& context, Tensor y, Tensor mean, Tensor rstd, Tensor x, Tensor gamma, Tensor beta,
                         double epsilon) {
  MR_RETURN_IF_ERROR(check_layernorm_forward(dtype_of<T>(), y, mean, rstd, x, gamma, beta));
  if (planning(context)) return ok();
  const int64_t rows = rows_of(x), columns = columns_of(x);
  const TensorRows<T> source{x.as<T>()};
  const NormOutput<T> out{y.as<T>(),     mean.as<float>(), rstd.as<float>(),
                          gamma.as<T>(), beta.as<T>(),     static_cast<float>(epsilon)};
  return whole_octets(columns, source.x, out.y, out.gamma, out.beta)
             ? launch_rows<true>(context, source, out, rows, columns)
             : launch_rows<false>(context, source, out, rows, columns);
}

template <class T>
Status layernorm_backward(Context& context, Tensor dx, Tensor dgamma, Tensor dbeta, Tensor dy, Tensor x, Tensor mean,
                          Tensor rstd, Tensor gamma) {
  MR_RETURN_IF_ERROR(check_layernorm_backward(dtype_of<T>(), dx, dgamma, dbeta, dy, x, mean, rstd, gamma));
  const int64_t rows = rows_of(x), columns = columns_of(x);
  const RowParts parts = RowParts::of(rows, kMostParts, 1);
  Tensor partials;
  MR_RETURN_IF_ERROR(alloc_partials(context, parts, 2 * columns, &partials));
  if (planning(context) || parts.count == 0) return ok();
  const BackwardArguments<T> arguments{dx.as<T>(),       partials.as<float>(), dy.as<T>(), x.as<T>(), mean.as<float>(),
                                       rstd.as<float>(), gamma.as<T>(),        rows,       columns,   parts.rows_each};
  MR_RETURN_IF_ERROR(whole_octets(columns, arguments.dx, arguments.dy, arguments.x, arguments.gamma)
                         ? launch_backward<true>(context, arguments, parts.count)
                         : launch_backward<false>(context, arguments, parts.count));
  return add_partials(context, dgamma.as<float>(), dbeta.as<float>(), partials, columns, 2 * columns);
}

MR_INSTANTIATE(layernorm_forward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, double);
MR_INSTANTIATE(layernorm_backward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor);

}  // namespace millrace::cuda
