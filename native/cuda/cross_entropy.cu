// A block a row, which is read once by each op and written once by the last: the reductions between them belong to all
// ranks.
#include "cuda/cuda_ops.h"
#include "cuda/octet.h"

namespace millrace::cuda {

namespace {

constexpr int64_t kMostThreads = 256;
constexpr int kBlocksAtOnce = 4;  // on a multiprocessor: while one ends its row, the others read

// How many of this rank's columns are true ids; the rest is padding.
int64_t true_columns(const Tensor& logits, const VocabRange& range) {
  return std::clamp<int64_t>(range.size - range.begin, 0, logits.dim(1));
}

unsigned row_threads(int64_t columns) {
  constexpr int64_t kEach = 4 * kOctet;  // columns worth a thread
  const int64_t wanted = (columns + kEach - 1) / kEach;
  return static_cast<unsigned>(std::clamp<int64_t>((wanted + kWarp - 1) / kWarp * kWarp, kWarp, kMostThreads));
}

unsigned row_blocks(int64_t rows) { return grid_for(rows, 1, int64_t{1} << 20); }

// body(octet, column, count) for the octets of a row in the threads of a block, of which `count` values are there. What
// body leaves in the octet is stored if kStores. Which thread has which columns depends on their number alone.
template <bool kStores, bool kWhole, class T, class Body>
__device__ __forceinline__ void for_row(std::conditional_t<kStores, T, const T>* row, int64_t columns,
                                        const Body& body) {
  constexpr int kAhead = kStores ? 2 : 4;  // octets that a thread reads before it uses the first
  const int64_t stride = static_cast<int64_t>(blockDim.x) * kOctet;
  for (int64_t first = static_cast<int64_t>(threadIdx.x) * kOctet; first < columns; first += kAhead * stride) {
    Octet<T> octet[kAhead];
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      octet[k] = load_octet<kWhole, T>(row + first + k * stride, columns - first - k * stride);
    }
#pragma unroll
    for (int k = 0; k < kAhead; ++k) {
      const int64_t left = columns - first - k * stride;
      if (left <= 0) break;
      body(octet[k], first + k * stride, static_cast<int>(left < kOctet ? left : kOctet));
      if constexpr (kStores) store_octet<kWhole>(row + first + k * stride, octet[k], left);
    }
  }
}

template <bool kWhole, class T>
__global__ void __launch_bounds__(kMostThreads, kBlocksAtOnce)
    cross_entropy_max_kernel(float* maximum, const T* logits, int64_t rows, int64_t width, int64_t num_true) {
  for (int64_t n = blockIdx.x; n < rows; n += gridDim.x) {
    float largest = -INFINITY;
    for_row<false, kWhole, T>(logits + n * width, num_true, [&](const Octet<T>& octet, int64_t, int count) {
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        if (i < count) largest = fmaxf(largest, to_float(octet.at(i)));
      }
    });
    largest = block_max(largest);
    if (threadIdx.x == 0) maximum[n] = largest;
  }
}

template <bool kWhole, class T>
__global__ void __launch_bounds__(kMostThreads, kBlocksAtOnce)
    cross_entropy_sum_kernel(float* target, float* sum_exp, const T* logits, const float* maximum,
                             const int32_t* targets, int64_t rows, int64_t width, int64_t num_true, int64_t begin) {
  for (int64_t n = blockIdx.x; n < rows; n += gridDim.x) {
    const T* row = logits + n * width;
    const float largest = maximum[n];
    float sum = 0.0f;
    for_row<false, kWhole, T>(row, num_true, [&](const Octet<T>& octet, int64_t, int count) {
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        if (i < count) sum += expf(to_float(octet.at(i)) - largest);
      }
    });
    sum = block_sum(sum);
    if (threadIdx.x == 0) {
      const int64_t wanted = targets[n] - begin;
      const bool owned = targets[n] >= 0 && wanted >= 0 && wanted < num_true;
      sum_exp[n] = sum;
      target[n] = owned ? to_float(row[wanted]) - largest : 0.0f;
    }
  }
}

__global__ void cross_entropy_loss_kernel(float* loss, const float* target, const float* sum_exp,
                                          const int32_t* targets, int64_t count) {
  const int64_t stride = static_cast<int64_t>(gridDim.x) * blockDim.x;
  for (int64_t n = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; n < count; n += stride) {
    loss[n] = targets[n] >= 0 ? logf(sum_exp[n]) - target[n] : 0.0f;
  }
}

template <bool kWhole, class T>
__global__ void __launch_bounds__(kMostThreads, kBlocksAtOnce)
    cross_entropy_backward_kernel(T* logits, const float* maximum, const float* sum_exp, const int32_t* targets,
                                  int64_t rows, int64_t width, int64_t num_true, int64_t begin,
                                  const StepControl* control) {
  const double scale = control->gradient_scale();
  for (int64_t n = blockIdx.x; n < rows; n += gridDim.x) {
    T* row = logits + n * width;
    const int64_t num_kept = targets[n] >= 0 ? num_true : 0;
    const int64_t wanted = targets[n] - begin;
    const float largest = maximum[n];
    const float factor = static_cast<float>(scale / static_cast<double>(sum_exp[n]));
    for_row<true, kWhole, T>(row, width, [&](Octet<T>& octet, int64_t column, int) {
      float value[kOctet];
      const int kept = static_cast<int>(num_kept - column < kOctet ? num_kept - column : kOctet);
      const int hot = wanted >= column && wanted - column < kept ? static_cast<int>(wanted - column) : kOctet;
#pragma unroll
      for (int i = 0; i < kOctet; ++i) {
        value[i] = i < kept ? expf(to_float(octet.at(i)) - largest) * factor : 0.0f;
        if (i == hot) value[i] -= static_cast<float>(scale);
      }
      octet = narrow<T>(value);
    });
  }
}

}  // namespace

template <class T>
Status cross_entropy_max(Context& context, Tensor maximum, Tensor logits, VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_max(dtype_of<T>(), maximum, logits));
  if (planning(context)) return ok();
  const int64_t rows = logits.dim(0), width = logits.dim(1);
  const auto kernel =
      whole_octets(width, logits.as<T>()) ? cross_entropy_max_kernel<true, T> : cross_entropy_max_kernel<false, T>;
  return launch(context, kernel, row_blocks(rows), row_threads(width), 0, maximum.as<float>(), logits.as<T>(), rows,
                width, true_columns(logits, range));
}

template <class T>
Status cross_entropy_sum(Context& context, Tensor target, Tensor sum_exp, Tensor logits, Tensor maximum, Tensor targets,
                         VocabRange range) {
  MR_RETURN_IF_ERROR(check_cross_entropy_sum(dtype_of<T>(), target, sum_exp, logits, maximum, targets));
  if (planning(context)) return ok();
  const int64_t rows = logits.dim(0), width = logits.dim(1);
  const auto kernel =
      whole_octets(width, logits.as<T>()) ? cross_entropy_sum_kernel<true, T> : cross_entropy_sum_kernel<false, T>;
  return launch(context, kernel, row_blocks(rows), row_threads(width), 0, target.as<float>(), sum_exp.as<float>(),
                logits.as<T>(), maximum.as<float>(), targets.as<int32_t>(), rows, width, true_columns(logits, range),
                range.begin);
}

template <class T>
Status cross_entropy_loss(Context& context, Tensor loss, Tensor target, Tensor sum_exp, Tensor targets) {
  MR_RETURN_IF_ERROR(check_cross_entropy_loss(dtype_of<T>(), loss, target, sum_exp, targets));
  if (planning(context)) return ok();
  const int64_t count = loss.num_elements();
  return launch(context, cross_entropy_loss_kernel, grid_for(count, kFlatThreads, int64_t{1} << 16), kFlatThreads, 0,
                loss.as<float>(), target.as<float>(), sum_exp.as<float>(), targets.as<int32_t>(), count);
}

template <class T>
Status cross_entropy_backward(Context& context, Tensor logits, Tensor maximum, Tensor sum_exp, Tensor targets,
                              VocabRange range, Tensor control) {
  MR_RETURN_IF_ERROR(check_cross_entropy_backward(dtype_of<T>(), logits, maximum, sum_exp, targets, control));
  if (planning(context)) return ok();
  const int64_t rows = logits.dim(0), width = logits.dim(1);
  const auto kernel = whole_octets(width, logits.as<T>()) ? cross_entropy_backward_kernel<true, T>
                                                          : cross_entropy_backward_kernel<false, T>;
  return launch(context, kernel, row_blocks(rows), row_threads(width), 0, logits.as<T>(), maximum.as<float>(),
                sum_exp.as<float>(), targets.as<int32_t>(), rows, width, true_columns(logits, range), range.begin,
                control.as<StepControl>());
}

MR_INSTANTIATE(cross_entropy_max, Context&, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(cross_entropy_sum, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, VocabRange);
MR_INSTANTIATE(cross_entropy_loss, Context&, Tensor, Tensor, Tensor, Tensor);
MR_INSTANTIATE(cross_entropy_backward, Context&, Tensor, Tensor, Tensor, Tensor, VocabRange, Tensor);

}  // namespace millrace::cuda
