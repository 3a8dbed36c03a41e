// The optimizer over flat memory: of each parameter 16 bytes are read and 12 plus its value are written, the least that
// f32 master and moments allow. What depends on the step is read from the control, once a block.
#include <cmath>

#include "cuda/cuda_ops.h"
#include "cuda/octet.h"

namespace millrace::cuda {

namespace {

struct AdamWFactors {
  float beta1, beta2, one_minus_beta1, one_minus_beta2;
  float step_size;     // lr / (1 - beta1^updates)
  float inverse_root;  // 1 / sqrt(1 - beta2^updates)
  float epsilon;
  float decay;  // lr * weight_decay; 1 - decay would lose most of it to rounding
  float gradient_factor;
};

__device__ AdamWFactors factors_of(const AdamW& options, const StepControl& control) {
  const double updates = static_cast<double>(control.updates);
  AdamWFactors factors;
  factors.beta1 = static_cast<float>(options.beta1);
  factors.beta2 = static_cast<float>(options.beta2);
  factors.one_minus_beta1 = static_cast<float>(1.0 - options.beta1);
  factors.one_minus_beta2 = static_cast<float>(1.0 - options.beta2);
  factors.step_size = static_cast<float>(control.learning_rate / (1.0 - pow(options.beta1, updates)));
  factors.inverse_root = static_cast<float>(1.0 / sqrt(1.0 - pow(options.beta2, updates)));
  factors.epsilon = static_cast<float>(options.epsilon);
  factors.decay = static_cast<float>(control.learning_rate * options.weight_decay);
  factors.gradient_factor = static_cast<float>(control.gradient_factor);
  return factors;
}

// value: null where the master is the value.
template <class T>
__global__ void adamw_kernel(T* value, float* master, float* m, float* v, const float* grad, int64_t count,
                             bool aligned, AdamW options, const StepControl* control) {
  if (!control->applied()) return;
  __shared__ AdamWFactors shared;
  if (threadIdx.x == 0) shared = factors_of(options, *control);
  __syncthreads();
  const AdamWFactors f = shared;
  for (int64_t i = first_octet(); i < count; i += octet_stride()) {
    const int64_t left = count - i;
    float g[kOctet], m_new[kOctet], v_new[kOctet], w[kOctet];
    widen(g, load_octet(grad + i, left, aligned));
    widen(m_new, load_octet<float>(m + i, left, aligned));
    widen(v_new, load_octet<float>(v + i, left, aligned));
    widen(w, load_octet<float>(master + i, left, aligned));
#pragma unroll
    for (int k = 0; k < kOctet; ++k) {
      g[k] *= f.gradient_factor;
      m_new[k] = f.beta1 * m_new[k] + f.one_minus_beta1 * g[k];
      v_new[k] = f.beta2 * v_new[k] + f.one_minus_beta2 * g[k] * g[k];
      const float denominator = sqrtf(v_new[k]) * f.inverse_root + f.epsilon;
      w[k] -= f.step_size * m_new[k] / denominator + f.decay * w[k];
    }
    store_octet(m + i, narrow<float>(m_new), left, aligned);
    store_octet(v + i, narrow<float>(v_new), left, aligned);
    store_octet(master + i, narrow<float>(w), left, aligned);
    if (value != nullptr) store_octet(value + i, narrow<T>(w), left, aligned);
  }
}

}  // namespace

template <class T>
Status adamw(Context& context, Tensor value, Tensor master, Tensor m, Tensor v, Tensor grad, const AdamW& options,
             Tensor control) {
  MR_RETURN_IF_ERROR(check_adamw(dtype_of<T>(), value, master, m, v, grad, control));
  if (planning(context)) return ok();
  const int64_t count = master.num_elements();
  T* const apart = value.data == master.data ? nullptr : value.as<T>();
  const bool aligned =
      aligned16(apart) && aligned16(master.data) && aligned16(m.data) && aligned16(v.data) && aligned16(grad.data);
  // A block computes two powers in f64 before it begins, so it gets more to do than one octet a thread.
  const dim3 grid(grid_for(count, int64_t{kFlatThreads} * kOctet, 4096));
  return launch(context, adamw_kernel<T>, grid, kFlatThreads, 0, apart, master.as<float>(), m.as<float>(),
                v.as<float>(), grad.as<float>(), count, aligned, options, control.as<StepControl>());
}

MR_INSTANTIATE(adamw, Context&, Tensor, Tensor, Tensor, Tensor, Tensor, const AdamW&, Tensor);

}  // namespace millrace::cuda
