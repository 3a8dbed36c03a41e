// A block takes 256 columns of a part of the rows: a warp reads 512 contiguous bytes or more of each of four rows
// before it uses the first. One read of dr, one write of dx; the partial sums are a sixteenth of either or less.
#include "cuda/column_sums.h"
#include "cuda/dropout.h"

namespace millrace::cuda {

namespace {

constexpr int kRowLanes = 8;  // warps of a block, which take rows in turn
constexpr int kRowsAhead = 4;
constexpr int64_t kBlockColumns = int64_t{kWarp} * kOctet;
constexpr int64_t kMostParts = 256;
constexpr int64_t kFewestRows = 32;

// Row n = b * time + t.
struct BatchRow {
  int64_t b, t;

  __device__ __forceinline__ BatchRow(int64_t n, int64_t time) : b(n / time), t(n % time) {}
  __device__ __forceinline__ void advance(int64_t rows, int64_t time) {
    for (t += rows; t >= time; t -= time) ++b;
  }
};

// kMasks: dx is written; else it is what dr is. partials: null where only dx is wanted.
template <bool kMasks, bool kWhole, class T>
__global__ void __launch_bounds__(kWarp* kRowLanes, kWhole && sizeof(T) == 2 ? 3 : 1)
    column_sums_kernel(T* dx, float* partials, const T* dr, Dropout dropout, int64_t rows, int64_t columns,
                       int64_t time, int64_t rows_each) {
  __shared__ float sums[kRowLanes][kBlockColumns];
  const MaskDraw mask(dropout);
  const int64_t begin = blockIdx.y * rows_each;
  const int64_t end = begin + rows_each < rows ? begin + rows_each : rows;
  for (int64_t block = blockIdx.x; block * kBlockColumns < columns; block += gridDim.x) {
    const int64_t c = block * kBlockColumns + static_cast<int64_t>(threadIdx.x) * kOctet;
    const int64_t left = columns - c;
    float sum[kOctet] = {};
    BatchRow row(begin + threadIdx.y, time);
    for (int64_t n = begin + threadIdx.y; n < end; n += kRowLanes * kRowsAhead) {
      Octet<T> raw[kRowsAhead];
#pragma unroll
      for (int k = 0; k < kRowsAhead; ++k) {
        const int64_t at = n + k * kRowLanes;
        raw[k] = load_octet<kWhole>(dr + at * columns + c, at < end ? left : 0);
      }
#pragma unroll
      for (int k = 0; k < kRowsAhead; ++k) {
        const int64_t at = n + k * kRowLanes;
        if (kMasks && at < end) {
          float value[kOctet], factor[kOctet];
          widen(value, raw[k]);
          mask.factors(factor, mask.begin(row.b, time * columns) + static_cast<uint64_t>(row.t * columns + c));
#pragma unroll
          for (int i = 0; i < kOctet; ++i) value[i] *= factor[i];
          raw[k] = narrow<T>(value);
          store_octet<kWhole>(dx + at * columns + c, raw[k], left);
        }
        if (kMasks) row.advance(kRowLanes, time);
        float value[kOctet];
        widen(value, raw[k]);
#pragma unroll
        for (int i = 0; i < kOctet; ++i) sum[i] += value[i];
      }
    }
    if (partials == nullptr) continue;
#pragma unroll
    for (int i = 0; i < kOctet; ++i) sums[threadIdx.y][threadIdx.x * kOctet + i] = sum[i];
    __syncthreads();
    const int64_t column = static_cast<int64_t>(threadIdx.y) * kWarp + threadIdx.x;
    static_assert(kWarp * kRowLanes == kBlockColumns);
    if (block * kBlockColumns + column < columns) {
      float total = 0.0f;
#pragma unroll
      for (int lane = 0; lane < kRowLanes; ++lane) total += sums[lane][column];
      partials[blockIdx.y * columns + block * kBlockColumns + column] = total;
    }
    __syncthreads();  // the next columns write
  }
}

constexpr int kPartLanes = 16;

__global__ void __launch_bounds__(kWarp* kPartLanes)
    add_partials_kernel(float* first, float* second, const float* partials, int64_t parts, int64_t columns,
                        int64_t width) {
  __shared__ float sums[kPartLanes][kWarp];
  for (int64_t begin = static_cast<int64_t>(blockIdx.x) * kWarp; begin < width;
       begin += static_cast<int64_t>(gridDim.x) * kWarp) {
    const int64_t c = begin + threadIdx.x;
    float sum = 0.0f;
    if (c < width) {
#pragma unroll 8
      for (int64_t part = threadIdx.y; part < parts; part += kPartLanes) sum += partials[part * width + c];
    }
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y == 0 && c < width) {
      float total = 0.0f;
#pragma unroll
      for (int lane = 0; lane < kPartLanes; ++lane) total += sums[lane][threadIdx.x];
      float* const to = c < columns ? first + c : second + (c - columns);
      *to += total;
    }
    __syncthreads();  // the next columns write
  }
}

template <class T>
Status run(Context& context, T* dx, float* partials, const T* dr, const Dropout& dropout, int64_t rows, int64_t columns,
           int64_t time, const RowParts& parts) {
  const bool whole = whole_octets(columns, dx, dr);
  const auto kernel = dx == nullptr ? (whole ? column_sums_kernel<false, true, T> : column_sums_kernel<false, false, T>)
                                    : (whole ? column_sums_kernel<true, true, T> : column_sums_kernel<true, false, T>);
  // Neighbouring blocks read neighbouring columns of the same rows.
  const dim3 grid(grid_for(columns, kBlockColumns, int64_t{1} << 16), static_cast<unsigned>(parts.count));
  return launch(context, kernel, grid, dim3(kWarp, kRowLanes), 0, dx, partials, dr, dropout, rows, columns, time,
                parts.rows_each);
}

}  // namespace

RowParts RowParts::of(int64_t rows, int64_t most, int64_t fewest) {
  RowParts parts;
  parts.rows_each = std::max((rows + most - 1) / most, fewest);
  parts.count = (rows + parts.rows_each - 1) / parts.rows_each;
  return parts;
}

Status alloc_partials(Context& context, const RowParts& parts, int64_t width, Tensor* partials) {
  MR_CHECK(context.scratch != nullptr);
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF32, Shape(parts.count, width), partials));
  context.scratch->release(mark);
  return ok();
}

Status add_partials(Context& context, float* first, float* second, const Tensor& partials, int64_t columns,
                    int64_t width) {
  return launch(context, add_partials_kernel, grid_for(width, kWarp, int64_t{1} << 16), dim3(kWarp, kPartLanes), 0,
                first, second, partials.as<float>(), partials.dim(0), columns, width);
}

template <class T>
Status add_column_sums(Context& context, Tensor sums, Tensor x) {
  const int64_t rows = rows_of(x), columns = columns_of(x);
  const RowParts parts = RowParts::of(rows, kMostParts, kFewestRows);
  Tensor partials;
  MR_RETURN_IF_ERROR(alloc_partials(context, parts, columns, &partials));
  if (planning(context)) return ok();
  T* const no_dx = nullptr;
  MR_RETURN_IF_ERROR(run(context, no_dx, partials.as<float>(), x.as<T>(), Dropout{}, rows, columns, rows, parts));
  return add_partials(context, sums.as<float>(), nullptr, partials, columns, columns);
}

template <class T>
Status mask_and_add_column_sums(Context& context, Tensor dx, Tensor dbias, Tensor dr, const Dropout& dropout) {
  const int64_t rows = rows_of(dr), columns = columns_of(dr);
  const RowParts parts = RowParts::of(rows, kMostParts, kFewestRows);
  const bool with_bias = dbias.shape.rank != 0;
  Tensor partials;
  if (with_bias) MR_RETURN_IF_ERROR(alloc_partials(context, parts, columns, &partials));
  if (planning(context)) return ok();
  T* const masked = dropout.p == 0.0f && dx.data == dr.data ? nullptr : dx.as<T>();  // null: it is there already
  MR_RETURN_IF_ERROR(run(context, masked, partials.as<float>(), dr.as<T>(), dropout, rows, columns, dr.dim(1), parts));
  return with_bias ? add_partials(context, dbias.as<float>(), nullptr, partials, columns, columns) : ok();
}

#define MR_INSTANTIATE_FOR(T)                                          \
  template Status add_column_sums<T>(Context&, Tensor sums, Tensor x); \
  template Status mask_and_add_column_sums<T>(Context&, Tensor dx, Tensor dbias, Tensor dr, const Dropout&)
MR_INSTANTIATE_FOR(float);
MR_INSTANTIATE_FOR(BFloat16);
MR_INSTANTIATE_FOR(Float16);

}  // namespace millrace::cuda
