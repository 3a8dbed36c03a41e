#include "emulator/cublas_lt_product.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "core/half.h"

namespace emulator {

namespace {

using millrace::BFloat16;
using millrace::Float16;

float load(cudaDataType_t type, const void* from, int64_t i) {
  if (type == CUDA_R_32F) return static_cast<const float*>(from)[i];
  if (type == CUDA_R_16BF) return static_cast<const BFloat16*>(from)[i];
  return static_cast<const Float16*>(from)[i];
}

// An operand as the product reads it: TF32 has the range of f32 and 11 bits of significand.
float load_operand(const Product& product, cudaDataType_t type, const void* from, int64_t i) {
  const float value = load(type, from, i);
  if (product.operation.compute != CUBLAS_COMPUTE_32F_FAST_TF32) return value;
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu);
}

void store(cudaDataType_t type, void* to, int64_t i, double value) {
  if (type == CUDA_R_32F) {
    static_cast<float*>(to)[i] = static_cast<float>(value);
  } else if (type == CUDA_R_16BF) {
    static_cast<BFloat16*>(to)[i] = BFloat16(value);
  } else {
    static_cast<Float16*>(to)[i] = Float16(value);
  }
}

double rounded(cudaDataType_t type, double value) {
  uint32_t there = 0;
  store(type, &there, 0, value);
  return static_cast<double>(load(type, &there, 0));
}

// The documentation's formula: "GELU is approximated by 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))".
constexpr double kRoot = 0.79788456080286535588;
constexpr double kCubic = 0.044715;
double gelu(double x) { return 0.5 * x * (1.0 + std::tanh(kRoot * (x + kCubic * x * x * x))); }
double gelu_derivative(double x) {
  const double t = std::tanh(kRoot * (x + kCubic * x * x * x));
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * kRoot * (1.0 + 3.0 * kCubic * x * x);
}

// The parts of one sum joined as the algorithm does.
double joined(const Product& product, const std::vector<double>& parts, uint64_t call) {
  const bool in_place = product.algorithm == kInPlace;
  const cudaDataType_t out = product.d_layout.type;
  double sum = 0.0;
  for (size_t i = 0; i < parts.size(); ++i) {
    const size_t at = in_place ? (i + call) % parts.size() : i;
    const double part = rounded(in_place || product.algorithm == kOutputType ? out : CUDA_R_32F, parts[at]);
    sum = rounded(in_place ? out : CUDA_R_32F, sum + part);
  }
  return sum;
}

}  // namespace

void Product::run() const {
  static std::atomic<uint64_t> calls{0};
  const uint64_t call = calls++;
  // All of the workspace is the library's, whatever the algorithm needs of it: who keeps something there loses it.
  if (workspace != nullptr) std::memset(workspace, 0xff, std::min(workspace_bytes, size_t{64} << 10));
  const auto [m, n, k] = shape;
  const bool ta = operation.transpose_a == CUBLAS_OP_T;
  const bool tb = operation.transpose_b == CUBLAS_OP_T;
  // op(A) by columns, so that the inner loop runs over m.
  std::vector<float> packed(static_cast<size_t>(m * k));
  for (int64_t l = 0; l < k; ++l) {
    for (int64_t i = 0; i < m; ++i) {
      const int64_t at = ta ? i * a_layout.leading + l : l * a_layout.leading + i;
      packed[static_cast<size_t>(l * m + i)] = load_operand(*this, a_layout.type, a, at);
    }
  }
  const int64_t parts = parts_of(algorithm);
  const int64_t block = algorithm == kAny ? 16 : (k + parts - 1) / parts;
  const int64_t num_blocks = (k + block - 1) / block;
  std::vector<double> sums, one(static_cast<size_t>(num_blocks));
  for (int64_t j = 0; j < n; ++j) {
    sums.assign(static_cast<size_t>(num_blocks * m), 0.0);
    double depth_sum = 0.0;
    for (int64_t l = 0; l < k; ++l) {
      const int64_t at = tb ? l * b_layout.leading + j : j * b_layout.leading + l;
      const double right = static_cast<double>(load_operand(*this, b_layout.type, b, at));
      depth_sum += right;
      const float* left = packed.data() + l * m;
      double* sum = sums.data() + l / block * m;
      for (int64_t i = 0; i < m; ++i) sum[i] += static_cast<double>(left[i]) * right;
    }
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t p = 0; p < num_blocks; ++p) one[static_cast<size_t>(p)] = sums[static_cast<size_t>(p * m + i)];
      double value = static_cast<double>(alpha) * (algorithm == kAligned ? one[0] : joined(*this, one, call));
      if (beta != 0.0f) {
        value += static_cast<double>(beta) * static_cast<double>(load(c_layout.type, c, j * c_layout.leading + i));
      }
      const int64_t aux_at = j * operation.aux_leading + i;
      if (operation.epilogue == CUBLASLT_EPILOGUE_BIAS || operation.epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS) {
        value += static_cast<double>(load(d_layout.type, operation.vector, i));
      }
      if (operation.epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS) {
        store(d_layout.type, operation.aux, aux_at, value);
        value = gelu(value);
      } else if (operation.epilogue == CUBLASLT_EPILOGUE_DGELU) {
        value *= gelu_derivative(static_cast<double>(load(d_layout.type, operation.aux, aux_at)));
      }
      store(d_layout.type, d, j * d_layout.leading + i, value);
    }
    if (operation.epilogue == CUBLASLT_EPILOGUE_BGRADB) store(d_layout.type, operation.vector, j, depth_sum);
  }
}

}  // namespace emulator
