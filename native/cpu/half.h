// Between the 16-bit formats and f32, in which alone this folder computes. Products convert the rows of a tile as they
// need them (half_gemm.h); other ops work on f32 copies of their 16-bit tensors in their scratch.
#ifndef MILLRACE_CPU_HALF_H_
#define MILLRACE_CPU_HALF_H_

#include <array>

#include "core/op_checks.h"
#include "cpu/ranges.h"

namespace millrace::cpu {

// to = from[begin .. begin + count) as f32; from is of any floating dtype but f64.
void widen_range(float* to, const Tensor& from, int64_t begin, int64_t count);
// to[begin .. begin + count) = from, rounded to the dtype of `to`.
void narrow_range(const Tensor& to, const float* from, int64_t begin, int64_t count);

// The f32 stand-ins of one op's 16-bit tensors. Tensors that are not given stay so.
class Widened {
 public:
  explicit Widened(Context& context) : context_(context), mark_(context.scratch->mark()) {}

  Tensor in(Tensor x);
  Tensor out(Tensor x);
  Tensor in_out(Tensor x);

  // Runs op(), which computes on stand-ins that were asked for before, and rounds what it wrote.
  template <class Op>
  Status run(const Op& op) {
    Status status = status_;
    if (status.ok()) status = op();
    context_.scratch->release(mark_);
    if (status.ok() && !planning(context_)) write_back();
    return status;
  }

 private:
  Tensor stand_in(const Tensor& x, bool read);
  void write_back();

  struct Output {
    Tensor to, from;
  };
  Context& context_;
  const size_t mark_;
  Status status_;
  std::array<Output, 4> outputs_;
  size_t num_outputs_ = 0;
};

}  // namespace millrace::cpu

#endif  // MILLRACE_CPU_HALF_H_
