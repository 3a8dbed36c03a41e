// The forward pass is one kernel: residual and x are read once, r and y written once. The backward pass reads dr and
// writes dx.
#include "cuda/column_sums.h"
#include "cuda/cuda_ops.h"
#include "cuda/dropout.h"
#include "cuda/layernorm_rows.h"

namespace millrace::cuda {

namespace {

// r = residual + mask * (x + bias), as a source of layernorm_rows.h.
template <class T>
struct ResidualRows {
  T* r;
  const T* residual;
  const T* x;
  const T* bias;  // may be null
  Dropout dropout;
  int64_t time;

  struct Raw {
    Octet<T> residual, x;
  };

  struct Row {
    T* r;
    const T* residual;
    const T* x;
    const T* bias;
    MaskDraw mask;
    uint64_t mask_begin;

    template <bool kWhole>
    __device__ __forceinline__ Raw fetch(int64_t c, int64_t left) const {
      return Raw{load_octet<kWhole>(residual + c, left), load_octet<kWhole>(x + c, left)};
    }
    template <bool kWhole>
    __device__ __forceinline__ void values(const Raw& raw, int64_t c, int64_t left, float (&value)[kOctet]) const {
      float added[kOctet], factor[kOctet];
      widen(value, raw.residual);
      widen(added, raw.x);
      if (bias != nullptr) {
        float bias_value[kOctet];
        widen(bias_value, load_octet<kWhole>(bias + c, left));
#pragma unroll
        for (int i = 0; i < kOctet; ++i) added[i] += bias_value[i];
      }
      mask.factors(factor, mask_begin + static_cast<uint64_t>(c));
#pragma unroll
      for (int i = 0; i < kOctet; ++i) value[i] += factor[i] * added[i];
      widen(value, narrow<T>(value));
    }
    template <bool kWhole>
    __device__ __forceinline__ void store(int64_t c, int64_t left, const float (&value)[kOctet]) const {
      store_octet<kWhole>(r + c, narrow<T>(value), left);
    }
    template <bool kWhole>
    __device__ __forceinline__ void stored(int64_t c, int64_t left, float (&value)[kOctet]) const {
      widen(value, load_octet<kWhole>(static_cast<const T*>(r) + c, left));
    }
  };

  __device__ __forceinline__ Row row(int64_t n, int64_t columns) const {
    const MaskDraw mask(dropout);
    const int64_t e = n * columns;
    const uint64_t begin =
        mask.draws ? mask.begin(n / time, time * columns) + static_cast<uint64_t>(n % time * columns) : 0;
    return Row{r + e, residual + e, x + e, bias, mask, begin};
  }
};

}  // namespace

template <class T>
Status residual_layernorm_forward(Context& context, Tensor r, Tensor y, Tensor mean, Tensor rstd, Tensor residual,
                                  Tensor x, Tensor bias, Tensor gamma, Tensor beta, double epsilon,
                                  const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_residual_layernorm_forward(dtype_of<T>(), r, y, mean, rstd, residual, x, bias, gamma, beta));
  if (planning(context)) return ok();
  const int64_t rows = rows_of(r), columns = columns_of(r);
  const ResidualRows<T> source{r.as<T>(), residual.as<T>(), x.as<T>(), bias.as<T>(), dropout, r.dim(1)};
  const NormOutput<T> out{y.as<T>(),     mean.as<float>(), rstd.as<float>(),
                          gamma.as<T>(), beta.as<T>(),     static_cast<float>(epsilon)};
  return whole_octets(columns, source.r, source.residual, source.x, source.bias, out.y, out.gamma, out.beta)
             ? launch_rows<true>(context, source, out, rows, columns)
             : launch_rows<false>(context, source, out, rows, columns);
}

template <class T>
Status bias_dropout_backward(Context& context, Tensor dx, Tensor dbias, Tensor dr, const Dropout& dropout) {
  MR_RETURN_IF_ERROR(check_bias_dropout_backward(dtype_of<T>(), dx, dbias, dr));
  return mask_and_add_column_sums<T>(context, dx, dbias, dr, dropout);
}

MR_INSTANTIATE(residual_layernorm_forward, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor,
               Tensor, double, const Dropout&);
MR_INSTANTIATE(bias_dropout_backward, Context&, Tensor, Tensor, Tensor, const Dropout&);

}  // namespace millrace::cuda
