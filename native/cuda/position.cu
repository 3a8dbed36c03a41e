// Both in place: x or dx is read and written once. Backward, a thread owns an octet of the table's gradient and adds
// the sequences in their order.
#include "cuda/cuda_ops.h"
#include "cuda/dropout.h"

namespace millrace::cuda {

namespace {

constexpr unsigned kMostSequences = 65535;  // of a grid; the kernel strides over more

// i: of a sample, whose table row and column are those of the table's flat memory.
template <class T>
__global__ void position_forward_kernel(T* x, const T* wpe, Dropout dropout, int64_t batch, int64_t sample_size,
                                        bool aligned) {
  const MaskDraw mask(dropout);
  for (int64_t b = blockIdx.y; b < batch; b += gridDim.y) {
    const uint64_t mask_begin = mask.begin(b, sample_size);
    T* const sample = x + b * sample_size;
    for (int64_t i = first_octet(); i < sample_size; i += octet_stride()) {
      const int64_t left = sample_size - i;
      float value[kOctet], position[kOctet], factor[kOctet];
      widen(value, load_octet<T>(sample + i, left, aligned));
      widen(position, load_octet(wpe + i, left, aligned));
      mask.factors(factor, mask_begin + static_cast<uint64_t>(i));
#pragma unroll
      for (int k = 0; k < kOctet; ++k) value[k] = factor[k] * (value[k] + position[k]);
      store_octet(sample + i, narrow<T>(value), left, aligned);
    }
  }
}

template <class T>
__global__ void position_backward_kernel(T* dx, float* dwpe, Dropout dropout, int64_t batch, int64_t sample_size,
                                         bool aligned) {
  constexpr int kAhead = 4;  // sequences read before the first is used
  const MaskDraw mask(dropout);
  for (int64_t i = first_octet(); i < sample_size; i += octet_stride()) {
    const int64_t left = sample_size - i;
    float sum[kOctet] = {};
    for (int64_t b = 0; b < batch; b += kAhead) {
      Octet<T> raw[kAhead];
#pragma unroll
      for (int k = 0; k < kAhead; ++k) {
        raw[k] = b + k < batch ? load_octet<T>(dx + (b + k) * sample_size + i, left, aligned) : Octet<T>{};
      }
#pragma unroll
      for (int k = 0; k < kAhead; ++k) {
        if (b + k >= batch) break;
        float value[kOctet];
        if (mask.draws) {
          float factor[kOctet];
          widen(value, raw[k]);
          mask.factors(factor, mask.begin(b + k, sample_size) + static_cast<uint64_t>(i));
#pragma unroll
          for (int j = 0; j < kOctet; ++j) value[j] *= factor[j];
          raw[k] = narrow<T>(value);
          store_octet(dx + (b + k) * sample_size + i, raw[k], left, aligned);
        }
        widen(value, raw[k]);
#pragma unroll
        for (int j = 0; j < kOctet; ++j) sum[j] += value[j];
      }
    }
    float total[kOctet];
    widen(total, load_octet<float>(dwpe + i, left, aligned));
#pragma unroll
    for (int j = 0; j < kOctet; ++j) total[j] += sum[j];
    store_octet(dwpe + i, narrow<float>(total), left, aligned);
  }
}

}  // namespace

template <class T>
Status position_forward(Context& context, Tensor x, Tensor wpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_forward(dtype_of<T>(), x, wpe));
  if (planning(context)) return ok();
  const int64_t sample_size = x.dim(1) * x.dim(2);
  const bool aligned = whole_octets(sample_size, x.as<T>(), wpe.as<T>());
  dim3 grid = flat_grid(sample_size);
  grid.y = grid_for(x.dim(0), 1, kMostSequences);
  return launch(context, position_forward_kernel<T>, grid, kFlatThreads, 0, x.as<T>(), wpe.as<T>(), dropout, x.dim(0),
                sample_size, aligned);
}

template <class T>
Status position_backward(Context& context, Tensor dx, Tensor dwpe, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_position_backward(dtype_of<T>(), dx, dwpe));
  if (planning(context)) return ok();
  const int64_t sample_size = dx.dim(1) * dx.dim(2);
  const bool aligned = whole_octets(sample_size, dx.as<T>(), dwpe.as<float>());
  return launch(context, position_backward_kernel<T>, flat_grid(sample_size), kFlatThreads, 0, dx.as<T>(),
                dwpe.as<float>(), dropout, dx.dim(0), sample_size, aligned);
}

MR_INSTANTIATE(position_forward, Context&, Tensor, Tensor, const Dropout&);
MR_INSTANTIATE(position_backward, Context&, Tensor, Tensor, const Dropout&);

}  // namespace millrace::cuda
