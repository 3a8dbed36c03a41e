// Attention on a GPU has three engines behind one op; this is what they share and how one is chosen.
//
//   plain  any head size and f32: SIMT kernels, the oracle of the others on the device
//   flash  16-bit formats, head sizes that are multiples of 8 from 16 to 128: our tensor-core kernels, with dropout
//   cudnn  the library's, without dropout, where it is found and has a plan for the shape
//
// All keep the contract of core/ops.h: lse is the natural logarithm, masks are the CPU's, and a head's bits depend on
// nothing but its own Q, K, V and its global number, so tensor-parallel shards agree with the whole.
#ifndef MILLRACE_CUDA_ATTENTION_H_
#define MILLRACE_CUDA_ATTENTION_H_

#include <cmath>
#include <cstdint>

#include "core/half.h"
#include "core/op_checks.h"
#include "core/ops.h"

namespace millrace::cuda {

enum class AttentionEngine : uint8_t { kPlain, kFlash, kCudnn };

const char* attention_engine_name(AttentionEngine);

// The engine that the op takes for this call, in this direction. A plan of the library's is made on first use; while a
// step is recorded it is there already, for every step runs once before that. While an arena is planned it is not
// asked.
AttentionEngine choose_attention_engine(Context&, DType, const AttentionShape&, const Dropout&, bool backward);

// The engines, with the arguments of the op; checked by the caller.
template <class T>
Status plain_attention_forward(Context&, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv, const Dropout&);
template <class T>
Status plain_attention_backward(Context&, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                                Tensor lse, const Dropout&);

inline bool flash_attention_takes(DType dtype, const AttentionShape& s) {
  return dtype_bytes(dtype) == 2 && s.head_size % 8 == 0 && s.head_size >= 16 && s.head_size <= 128;
}
template <class T>
Status flash_attention_forward(Context&, const AttentionShape&, Tensor out, Tensor lse, Tensor qkv, const Dropout&);
template <class T>
Status flash_attention_backward(Context&, const AttentionShape&, Tensor dqkv, Tensor dout, Tensor qkv, Tensor out,
                                Tensor lse, const Dropout&);

// Numbers that all kernels take, computed once: on a GPU a division is a call.
struct AttentionFactors {
  float score;         // on scores: 1 / sqrt(D)
  float kept;          // on a probability that dropout keeps
  uint32_t threshold;  // what dropout keeps draws at least this
};

inline AttentionFactors attention_factors(const AttentionShape& s, const Dropout& dropout) {
  return AttentionFactors{static_cast<float>(1.0 / std::sqrt(static_cast<double>(s.head_size))), dropout.scale(),
                          dropout.threshold()};
}

// One head of one sequence: where it begins in each tensor, in elements, and how its dropout counts.
struct AttentionHead {
  AttentionShape shape;
  int64_t batch;
  int64_t head;

  MR_HOST_DEVICE int64_t part() const { return shape.heads * shape.head_size; }  // a row of out; from Q to K, K to V
  MR_HOST_DEVICE int64_t row() const { return 3 * part(); }                      // a row of qkv
  MR_HOST_DEVICE int64_t qkv_begin() const { return batch * shape.time * row() + head * shape.head_size; }
  MR_HOST_DEVICE int64_t out_begin() const { return batch * shape.time * part() + head * shape.head_size; }
  MR_HOST_DEVICE int64_t lse_begin() const { return (batch * shape.heads + head) * shape.time; }
  // Dropout's number of element (0, 0).
  MR_HOST_DEVICE uint64_t mask_begin(const Dropout& dropout) const {
    if (dropout.p == 0.0f) return 0;
    const int64_t global_head = dropout.sample[batch] * shape.heads_total + shape.head_begin + head;
    return static_cast<uint64_t>(global_head * shape.time * shape.time);
  }
};

// Head `number` of the batch; blocks of a grid are fewer than 2^31, so 32 bits divide.
MR_HOST_DEVICE inline AttentionHead attention_head(const AttentionShape& shape, uint32_t number) {
  const uint32_t heads = static_cast<uint32_t>(shape.heads);
  return AttentionHead{shape, number / heads, number % heads};
}

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_ATTENTION_H_
