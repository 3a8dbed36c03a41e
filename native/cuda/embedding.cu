// Forward: rows are copied as they are. Backward: dx is read once, and each table row that occurs is read and written
// once, by one block, which adds the rows of its token in an order that depends on nothing else.
#include "cuda/cuda_ops.h"
#include "cuda/octet.h"
#include "cuda/token_runs.h"

namespace millrace::cuda {

namespace {

template <bool kWhole, class T>
__global__ void embedding_forward_kernel(T* x, const int32_t* tokens, const T* wte, int64_t rows, int64_t columns,
                                         int64_t table_rows, int64_t vocab_begin) {
  for (int64_t n = blockIdx.x; n < rows; n += gridDim.x) {
    const int64_t id = tokens[n] - vocab_begin;
    const bool owned = id >= 0 && id < table_rows;
    for (int64_t c = static_cast<int64_t>(threadIdx.x) * kOctet; c < columns; c += blockDim.x * kOctet) {
      const Octet<T> octet = load_octet<kWhole>(wte + id * columns + c, owned ? columns - c : 0);
      store_octet<kWhole>(x + n * columns + c, octet, columns - c);
    }
  }
}

constexpr int kRunWarps = 8;   // of a block, each with a run of its own
constexpr int kAhead = 4;      // rows that a warp reads before it adds the first
constexpr int kShortRun = 32;  // rows; what is longer all warps of the block add together
constexpr int64_t kSlice = int64_t{kWarp} * kOctet;

// Adds to `sum` the columns [c, c + 8) of the run's rows begin, begin + stride, ... before `end`.
template <bool kWhole, class T>
__device__ __forceinline__ void add_rows(float (&sum)[kOctet], const T* dx, const int32_t* place, int32_t begin,
                                         int32_t end, int32_t stride, int64_t c, int64_t columns) {
  for (int32_t i = begin; i < end; i += kAhead * stride) {
    Octet<T> raw[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const int32_t at = i + k * stride;
      raw[k] = at < end ? load_octet<kWhole>(dx + place[at] * columns + c, columns - c) : Octet<T>{};
    }
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      float value[kOctet];
      widen(value, raw[k]);
#pragma unroll
      for (int j = 0; j < kOctet; ++j) sum[j] += value[j];
    }
  }
}

template <bool kWhole, class T>
__global__ void __launch_bounds__(kRunWarps* kWarp)
    embedding_backward_kernel(float* dwte, const T* dx, TokenRuns runs, int64_t columns) {
  __shared__ float sums[kRunWarps][kSlice];
  const int warp = static_cast<int>(threadIdx.x) / kWarp, lane = static_cast<int>(threadIdx.x) % kWarp;
  const int32_t count = *runs.count;
  for (int64_t slice = static_cast<int64_t>(blockIdx.y) * kSlice; slice < columns;
       slice += static_cast<int64_t>(gridDim.y) * kSlice) {
    const int64_t c = slice + lane * kOctet, left = columns - c;
    for (int32_t group = static_cast<int32_t>(blockIdx.x) * kRunWarps; group < count;
         group += static_cast<int32_t>(gridDim.x) * kRunWarps) {
      const int32_t run = group + warp;
      const int32_t begin = run < count ? runs.start[run] : 0, end = run < count ? runs.start[run + 1] : 0;
      if (begin < end && end - begin <= kShortRun) {
        float sum[kOctet] = {}, total[kOctet];
        add_rows<kWhole>(sum, dx, runs.place, begin, end, 1, c, columns);
        float* const to = dwte + runs.id[begin] * columns + c;
        widen(total, load_octet<kWhole, float>(to, left));
#pragma unroll
        for (int j = 0; j < kOctet; ++j) total[j] += sum[j];
        store_octet<kWhole>(to, narrow<float>(total), left);
      }
      for (int32_t other = group; other < group + kRunWarps && other < count; ++other) {
        const int32_t long_begin = runs.start[other], long_end = runs.start[other + 1];
        if (long_end - long_begin <= kShortRun) continue;
        float sum[kOctet] = {};
        add_rows<kWhole>(sum, dx, runs.place, long_begin + warp, long_end, kRunWarps, c, columns);
#pragma unroll
        for (int j = 0; j < kOctet; ++j) sums[warp][lane * kOctet + j] = sum[j];
        __syncthreads();
        static_assert(kRunWarps * kWarp == kSlice);
        if (const int64_t column = slice + threadIdx.x; column < columns) {
          float total = 0.0f;
#pragma unroll
          for (int w = 0; w < kRunWarps; ++w) total += sums[w][threadIdx.x];
          dwte[runs.id[long_begin] * columns + column] += total;
        }
        __syncthreads();  // the next run writes
      }
    }
  }
}

}  // namespace

template <class T>
Status embedding_forward(Context& context, Tensor x, Tensor tokens, Tensor wte, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_forward(dtype_of<T>(), x, tokens, wte));
  if (planning(context)) return ok();
  const int64_t rows = rows_of(x), columns = wte.dim(1);
  const auto kernel = whole_octets(columns, x.as<T>(), wte.as<T>()) ? embedding_forward_kernel<true, T>
                                                                    : embedding_forward_kernel<false, T>;
  const int64_t octets = (columns + kOctet - 1) / kOctet;
  const auto threads = static_cast<unsigned>(std::min<int64_t>((octets + kWarp - 1) / kWarp * kWarp, kFlatThreads));
  return launch(context, kernel, grid_for(rows, 1, int64_t{1} << 20), threads, 0, x.as<T>(), tokens.as<int32_t>(),
                wte.as<T>(), rows, columns, wte.dim(0), range.begin);
}

template <class T>
Status embedding_backward(Context& context, Tensor dwte, Tensor dx, Tensor tokens, VocabRange range) {
  MR_RETURN_IF_ERROR(check_embedding_backward(dtype_of<T>(), dwte, dx, tokens));
  MR_CHECK(context.scratch != nullptr);
  const size_t mark = context.scratch->mark();
  TokenRuns runs;
  const Status grouped = group_tokens(context, tokens, dwte.dim(0), range.begin, &runs);
  context.scratch->release(mark);  // nothing else is allocated before the end
  MR_RETURN_IF_ERROR(grouped);
  if (planning(context)) return ok();
  const int64_t columns = dwte.dim(1);
  const auto kernel = whole_octets(columns, dx.as<T>(), dwte.as<float>()) ? embedding_backward_kernel<true, T>
                                                                          : embedding_backward_kernel<false, T>;
  // How many runs there are only the device knows: at most one a token.
  const dim3 grid(grid_for(tokens.num_elements(), kRunWarps, 1024), grid_for(columns, kSlice, 65535));
  return launch(context, kernel, grid, kRunWarps * kWarp, 0, dwte.as<float>(), dx.as<T>(), runs, columns);
}

MR_INSTANTIATE(embedding_forward, Context&, Tensor, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(embedding_backward, Context&, Tensor, Tensor, Tensor, VocabRange);

}  // namespace millrace::cuda
