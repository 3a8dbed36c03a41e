// An emulated cuBLASLt: the functions of cublasLt.h with their documented meaning, strict about what the documentation
// demands: layouts, types, alignments of buffers and of the workspace, the leading dimension of the auxiliary buffer.
// It offers several algorithms (cublas_lt_product.h) whose bits show which of them was taken.
//
// Epilogues, by number and separated by commas:
// MILLRACE_EMULATED_CUBLAS_LT_REFUSES: there is no algorithm for them.
// MILLRACE_EMULATED_CUBLAS_LT_FAILS: one is offered for each, and its call then refused.
#include "cuda/cublas_lt.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>

#include "emulator/cublas_lt_product.h"
#include "emulator/libraries.h"

struct cublasLtContext {};

struct cublasLtMatmulPreferenceOpaque_t {
  uint64_t workspace_bytes = 0;
  uint32_t reductions = CUBLASLT_REDUCTION_SCHEME_MASK;
  uint32_t alignment[4] = {256, 256, 256, 256};
};

namespace {

using namespace emulator;

constexpr uint64_t kMagic = 0x6d696c6c72616365;
constexpr Algorithm kAlgorithms[] = {kInPlace, kOutputType, kAligned, kSplit, kAny};  // the favourite first

uint32_t reduction_of(uint64_t algorithm) {
  if (algorithm == kInPlace) return CUBLASLT_REDUCTION_SCHEME_INPLACE;
  if (algorithm == kOutputType) return CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE;
  return algorithm == kSplit ? CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE : CUBLASLT_REDUCTION_SCHEME_NONE;
}

bool aligned(const void* pointer, size_t bytes) { return reinterpret_cast<uintptr_t>(pointer) % bytes == 0; }

bool has_vector(uint32_t epilogue) {
  return epilogue == CUBLASLT_EPILOGUE_BIAS || epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS ||
         epilogue == CUBLASLT_EPILOGUE_BGRADB;
}
bool has_aux(uint32_t epilogue) {
  return epilogue == CUBLASLT_EPILOGUE_GELU_AUX_BIAS || epilogue == CUBLASLT_EPILOGUE_DGELU;
}

bool listed(const char* variable, uint32_t epilogue) {
  const char* list = std::getenv(variable);
  std::istringstream numbers(list == nullptr ? "" : list);
  for (std::string number; std::getline(numbers, number, ',');) {
    if (number == std::to_string(epilogue)) return true;
  }
  return false;
}

bool refused(uint32_t epilogue) { return listed("MILLRACE_EMULATED_CUBLAS_LT_REFUSES", epilogue); }
bool fails(uint32_t epilogue) { return listed("MILLRACE_EMULATED_CUBLAS_LT_FAILS", epilogue); }

bool computes(cublasComputeType_t compute, cudaDataType_t type) {
  return compute == CUBLAS_COMPUTE_32F || (compute == CUBLAS_COMPUTE_32F_FAST_TF32 && type == CUDA_R_32F);
}

// What is wrong with the descriptors, or the shape of the product.
cublasStatus_t shape_of(cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                        cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d, ProductShape* shape) {
  if (operation == nullptr || a == nullptr || b == nullptr || c == nullptr || d == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const bool ta = operation->transpose_a == CUBLAS_OP_T;
  const bool tb = operation->transpose_b == CUBLAS_OP_T;
  *shape = {d->rows, d->columns, ta ? a->rows : a->columns};
  if ((ta ? a->columns : a->rows) != shape->m || (tb ? b->rows : b->columns) != shape->n ||
      (tb ? b->columns : b->rows) != shape->k || c->rows != d->rows || c->columns != d->columns) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (a->type != b->type || c->type != d->type || !computes(operation->compute, a->type) ||
      operation->scale != CUDA_R_32F || (d->type != a->type && d->type != CUDA_R_32F)) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  if (has_aux(operation->epilogue) && (operation->aux_leading % 8 != 0 || operation->aux_leading < d->rows)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (has_vector(operation->epilogue) &&
      (operation->vector == nullptr || !aligned(operation->vector, bytes_of(d->type)))) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (has_aux(operation->epilogue) && (operation->aux == nullptr || !aligned(operation->aux, bytes_of(d->type)))) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return refused(operation->epilogue) ? CUBLAS_STATUS_NOT_SUPPORTED : CUBLAS_STATUS_SUCCESS;
}

size_t workspace_of(uint64_t algorithm, const ProductShape& shape) {
  if (parts_of(algorithm) == 1) return 0;
  if (algorithm == kInPlace) return 256;  // counters
  return static_cast<size_t>(parts_of(algorithm) * shape.m * shape.n) * sizeof(float);
}

// 16 bytes of leading dimension, vector and auxiliary buffer, for the algorithm that wants it; buffers are looked at by
// those who have them.
bool rows_aligned(uint64_t algorithm, cublasLtMatmulDesc_t operation,
                  std::initializer_list<cublasLtMatrixLayout_t> layouts) {
  if (algorithm != kAligned) return true;
  for (const cublasLtMatrixLayout_t layout : layouts) {
    if (static_cast<size_t>(layout->leading) * bytes_of(layout->type) % 16 != 0) return false;
  }
  return (!has_vector(operation->epilogue) || aligned(operation->vector, 16)) &&
         (!has_aux(operation->epilogue) || aligned(operation->aux, 16));
}

bool possible(uint64_t algorithm, cublasLtMatmulDesc_t operation,
              std::initializer_list<cublasLtMatrixLayout_t> layouts) {
  // Sums over the depth need all of it in one place.
  if (operation->epilogue == CUBLASLT_EPILOGUE_BGRADB && parts_of(algorithm) != 1) return false;
  return rows_aligned(algorithm, operation, layouts);
}

// A kernel of one thread: device memory may be touched there alone.
void product_kernel(Product product) { product.run(); }

template <class T>
cublasStatus_t put(T* member, const void* value, size_t bytes) {
  if (value == nullptr || bytes != sizeof(T)) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(member, value, sizeof(T));
  return CUBLAS_STATUS_SUCCESS;
}

}  // namespace

extern "C" {

cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  if (handle == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

size_t cublasLtGetVersion() { return 130000; }

const char* cublasLtGetStatusString(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS:
      return "success";
    case CUBLAS_STATUS_INVALID_VALUE:
      return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED:
      return "the requested functionality is not supported";
    default:
      return "an emulated failure";
  }
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation, cublasComputeType_t compute,
                                        cudaDataType_t scale) {
  *operation = new cublasLtMatmulDescOpaque_t{compute, scale};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
  delete operation;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return put(&operation->transpose_a, value, bytes);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return put(&operation->transpose_b, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return put(&operation->epilogue, value, bytes);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return put(&operation->vector, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER:
      return put(&operation->aux, value, bytes);
    case CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD:
      return put(&operation->aux_leading, value, bytes);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t type, uint64_t rows,
                                          uint64_t columns, int64_t leading) {
  if (rows == 0 || columns == 0 || leading < static_cast<int64_t>(rows)) return CUBLAS_STATUS_INVALID_VALUE;
  *layout = new cublasLtMatrixLayoutOpaque_t{type, static_cast<int64_t>(rows), static_cast<int64_t>(columns), leading};
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new cublasLtMatmulPreferenceOpaque_t;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute, const void* value,
                                                    size_t bytes) {
  switch (attribute) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
      return put(&preference->workspace_bytes, value, bytes);
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
      return put(&preference->reductions, value, bytes);
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
      return put(&preference->alignment[attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES], value, bytes);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int requested,
                                              cublasLtMatmulHeuristicResult_t* results, int* count) {
  *count = 0;
  if (handle == nullptr || requested <= 0) return CUBLAS_STATUS_INVALID_VALUE;
  ProductShape shape;
  if (const cublasStatus_t wrong = shape_of(operation, a, b, c, d, &shape); wrong != CUBLAS_STATUS_SUCCESS)
    return wrong;
  if (fails(operation->epilogue)) requested = 1;
  for (const Algorithm algorithm : kAlgorithms) {
    const uint32_t reduction = reduction_of(algorithm);
    const size_t workspace = workspace_of(algorithm, shape);
    const uint32_t* alignment = preference->alignment;
    if (*count == requested || (reduction & ~preference->reductions) != 0 || workspace > preference->workspace_bytes ||
        !possible(algorithm, operation, {a, b, c, d}) ||
        (algorithm == kAligned && *std::min_element(alignment, alignment + 4) < 16)) {
      continue;
    }
    cublasLtMatmulHeuristicResult_t& result = results[(*count)++];
    result = {};
    result.algo.data[0] = kMagic;
    result.algo.data[1] = algorithm;
    result.workspaceSize = workspace;
  }
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation,
                                       cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                                       cublasLtMatrixLayout_t d, const cublasLtMatmulAlgo_t* algo,
                                       cublasLtMatmulHeuristicResult_t* result) {
  ProductShape shape;
  if (handle == nullptr || algo->data[0] != kMagic) return CUBLAS_STATUS_INVALID_VALUE;
  if (const cublasStatus_t wrong = shape_of(operation, a, b, c, d, &shape); wrong != CUBLAS_STATUS_SUCCESS)
    return wrong;
  if (algo->data[1] < kInPlace || algo->data[1] > kAny || !possible(algo->data[1], operation, {a, b, c, d})) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  result->workspaceSize = workspace_of(algo->data[1], shape);
  result->state = CUBLAS_STATUS_SUCCESS;
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t* algo,
                                                    cublasLtMatmulAlgoConfigAttributes_t attribute, void* value,
                                                    size_t bytes, size_t*) {
  if (value == nullptr || bytes != sizeof(uint32_t) || algo->data[0] != kMagic) return CUBLAS_STATUS_INVALID_VALUE;
  uint32_t answer = 0;
  if (attribute == CUBLASLT_ALGO_CONFIG_ID) answer = static_cast<uint32_t>(algo->data[1]);
  if (attribute == CUBLASLT_ALGO_CONFIG_SPLITK_NUM) answer = static_cast<uint32_t>(parts_of(algo->data[1]));
  if (attribute == CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME) answer = reduction_of(algo->data[1]);
  std::memcpy(value, &answer, sizeof(answer));
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t handle, cublasLtMatmulDesc_t operation, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo, void* workspace,
                              size_t workspace_bytes, cudaStream_t stream) {
  cublasLtMatmulHeuristicResult_t checked{};
  if (alpha == nullptr || beta == nullptr || a == nullptr || b == nullptr || c == nullptr || d == nullptr ||
      algo == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const cublasStatus_t status =
      cublasLtMatmulAlgoCheck(handle, operation, a_layout, b_layout, c_layout, d_layout, algo, &checked);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (checked.workspaceSize > workspace_bytes || (workspace != nullptr && !aligned(workspace, 256)) ||
      (workspace == nullptr && checked.workspaceSize != 0)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (fails(operation->epilogue)) return CUBLAS_STATUS_NOT_SUPPORTED;
  const uint64_t algorithm = algo->data[1];
  for (const void* pointer : {a, b, c, static_cast<const void*>(d)}) {
    if (algorithm == kAligned && !aligned(pointer, 16)) return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (!aligned(a, bytes_of(a_layout->type)) || !aligned(b, bytes_of(b_layout->type)) ||
      !aligned(d, bytes_of(d_layout->type))) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  Product product{*operation, *a_layout, *b_layout, *c_layout, *d_layout,      a, b, c, d, 0.0f,
                  0.0f,       {},        algorithm, workspace, workspace_bytes};
  std::memcpy(&product.alpha, alpha, sizeof(float));
  std::memcpy(&product.beta, beta, sizeof(float));
  if (shape_of(operation, a_layout, b_layout, c_layout, d_layout, &product.shape) != CUBLAS_STATUS_SUCCESS) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  void* arguments[] = {&product};
  return cudaLaunchKernel(product_kernel, dim3(1), dim3(1), arguments, 0, stream) == cudaSuccess
             ? CUBLAS_STATUS_SUCCESS
             : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // extern "C"

namespace {

#define MR_ENTRY(name) {"cublasLt" #name, reinterpret_cast<void*>(&cublasLt##name)},
const emulator::EmulatedLibrary library("libcublasLt.so.13", {MR_CUBLAS_LT_FUNCTIONS(MR_ENTRY)});
#undef MR_ENTRY

}  // namespace
