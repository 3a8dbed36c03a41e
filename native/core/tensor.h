// Tensor: a borrowed, contiguous, row-major view with a dtype and a shape. It owns nothing; arenas own memory.
//
// Shape legend, used at every declaration: B batch (sequences), T time (tokens of a sequence), N = B*T rows, C channels
// (hidden size), H heads, D head size (C/H), F feed-forward width (4C), V padded vocabulary; a suffix _p is this rank's
// 1/p share: H_p, C_p, F_p, V_p.
#ifndef MILLRACE_CORE_TENSOR_H_
#define MILLRACE_CORE_TENSOR_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace millrace {

enum class DType : uint8_t { kF32, kF64, kBF16, kF16, kI32, kI64 };

constexpr size_t dtype_bytes(DType dtype) {
  switch (dtype) {
    case DType::kF32:
    case DType::kI32:
      return 4;
    case DType::kF64:
    case DType::kI64:
      return 8;
    case DType::kBF16:
    case DType::kF16:
      return 2;
  }
  return 0;
}

// What values of `dtype` are added up in, and what is kept of them where rounding adds up too: statistics, gradients,
// moments and the weights that the optimizer updates. f32 for the 16-bit formats, itself for f32 and f64.
constexpr DType wide_dtype(DType dtype) { return dtype == DType::kBF16 || dtype == DType::kF16 ? DType::kF32 : dtype; }

constexpr int kMaxDims = 4;

struct Shape {
  std::array<int64_t, kMaxDims> dims{};
  int rank = 0;

  Shape() = default;
  explicit Shape(int64_t a) : dims{a}, rank(1) {}
  Shape(int64_t a, int64_t b) : dims{a, b}, rank(2) {}
  Shape(int64_t a, int64_t b, int64_t c) : dims{a, b, c}, rank(3) {}
  Shape(int64_t a, int64_t b, int64_t c, int64_t d) : dims{a, b, c, d}, rank(4) {}

  int64_t operator[](int i) const { return dims[static_cast<size_t>(i)]; }
  int64_t num_elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dims[static_cast<size_t>(i)];
    return n;
  }
  bool operator==(const Shape&) const = default;
};

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  bool empty() const { return data == nullptr; }
  int64_t dim(int i) const { return shape[i]; }
  int64_t num_elements() const { return shape.num_elements(); }
  size_t size_bytes() const { return static_cast<size_t>(num_elements()) * dtype_bytes(dtype); }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  // Rows [begin, begin + count) of the first dimension.
  Tensor rows(int64_t begin, int64_t count) const {
    Tensor view = *this;
    const int64_t row = shape.rank == 0 ? 1 : num_elements() / (shape[0] == 0 ? 1 : shape[0]);
    // A measuring arena's tensors have no data, and neither have their views.
    if (data != nullptr) view.data = static_cast<char*>(data) + static_cast<size_t>(begin * row) * dtype_bytes(dtype);
    view.shape.dims[0] = count;
    return view;
  }
  Tensor reshaped(Shape to) const {
    Tensor view = *this;
    view.shape = to;
    return view;
  }
};

}  // namespace millrace

#endif  // MILLRACE_CORE_TENSOR_H_
