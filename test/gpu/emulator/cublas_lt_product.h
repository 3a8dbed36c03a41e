// What the emulated cuBLASLt computes: its descriptors, and a product as it is enqueued.
#ifndef MILLRACE_EMULATOR_CUBLAS_LT_PRODUCT_H_
#define MILLRACE_EMULATOR_CUBLAS_LT_PRODUCT_H_

#include <cublasLt.h>

#include <cstddef>
#include <cstdint>

struct cublasLtMatmulDescOpaque_t {
  cublasComputeType_t compute;
  cudaDataType_t scale;
  int32_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
  uint32_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  void* vector = nullptr;
  void* aux = nullptr;
  int64_t aux_leading = 0;
};

struct cublasLtMatrixLayoutOpaque_t {
  cudaDataType_t type;
  int64_t rows, columns, leading;
};

namespace emulator {

// The algorithms, which differ in the order of their additions and in what they ask for.
enum Algorithm : uint64_t {
  kInPlace = 1,  // three partial sums, added in the type of the output, in an order that changes from call to call
  kOutputType,   // two partial sums rounded to the type of the output
  kAligned,      // one sum in f64; all buffers and rows aligned to 16 bytes
  kSplit,        // three partial sums in f32, in the workspace, added in their order
  kAny,          // sums of 16 in f64, added in f32; any alignment
};

// Into how many parts an algorithm cuts the depth.
inline int64_t parts_of(uint64_t algorithm) {
  if (algorithm == kSplit || algorithm == kInPlace) return 3;
  return algorithm == kOutputType ? 2 : 1;
}

inline size_t bytes_of(cudaDataType_t type) { return type == CUDA_R_32F ? 4 : 2; }

struct ProductShape {
  int64_t m, n, k;
};

// By value, for the descriptors may change before it runs.
struct Product {
  cublasLtMatmulDescOpaque_t operation;
  cublasLtMatrixLayoutOpaque_t a_layout, b_layout, c_layout, d_layout;
  const void *a, *b, *c;
  void* d;
  float alpha, beta;
  ProductShape shape;
  uint64_t algorithm;
  void* workspace;
  size_t workspace_bytes;

  void run() const;
};

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_CUBLAS_LT_PRODUCT_H_
