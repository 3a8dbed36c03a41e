#include "cuda/cublas_lt.h"

#include <string>

#include "cuda/libraries.h"

namespace millrace::cuda {

namespace {

// What a build on the emulator takes from test/gpu/emulator/cublasLt.h: that header and the library's own agree.
static_assert(CUDA_R_32F == 0 && CUDA_R_16F == 2 && CUDA_R_16BF == 14);
static_assert(CUBLAS_STATUS_SUCCESS == 0 && CUBLAS_STATUS_NOT_INITIALIZED == 1 && CUBLAS_STATUS_ALLOC_FAILED == 3);
static_assert(CUBLAS_STATUS_INVALID_VALUE == 7 && CUBLAS_STATUS_EXECUTION_FAILED == 13);
static_assert(CUBLAS_STATUS_NOT_SUPPORTED == 15);
static_assert(CUBLAS_OP_N == 0 && CUBLAS_OP_T == 1 && CUBLAS_COMPUTE_32F == 68 && CUBLAS_COMPUTE_32F_FAST_TF32 == 77);
static_assert(CUBLASLT_EPILOGUE_DEFAULT == 1 && CUBLASLT_EPILOGUE_BIAS == 4 && CUBLASLT_EPILOGUE_GELU_AUX_BIAS == 164);
static_assert(CUBLASLT_EPILOGUE_DGELU == 192 && CUBLASLT_EPILOGUE_BGRADB == 512);
static_assert(CUBLASLT_REDUCTION_SCHEME_NONE == 0 && CUBLASLT_REDUCTION_SCHEME_INPLACE == 1);
static_assert(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE == 2 && CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE == 4);
static_assert(CUBLASLT_MATMUL_DESC_TRANSA == 3 && CUBLASLT_MATMUL_DESC_TRANSB == 4);
static_assert(CUBLASLT_MATMUL_DESC_EPILOGUE == 7 && CUBLASLT_MATMUL_DESC_BIAS_POINTER == 8);
static_assert(CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER == 11 && CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD == 12);
static_assert(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES == 1 && CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK == 3);
static_assert(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES == 5 && CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES == 6);
static_assert(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES == 7 && CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES == 8);
static_assert(CUBLASLT_ALGO_CONFIG_ID == 0 && CUBLASLT_ALGO_CONFIG_TILE_ID == 1);
static_assert(CUBLASLT_ALGO_CONFIG_SPLITK_NUM == 2 && CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME == 3);
static_assert(CUBLASLT_ALGO_CONFIG_STAGES_ID == 6);
static_assert(sizeof(cublasLtMatmulAlgo_t) == 64 && sizeof(cublasLtMatmulHeuristicResult_t) == 96);

struct Loaded {
  CublasLt library;
  Status status;
};

Loaded load() {
  Loaded loaded;
  Library file;
  loaded.status = Library::open("libcublasLt.so.13", &file);
#define MR_CUBLAS_LT_LOAD(name) \
  if (loaded.status.ok()) loaded.status = file.find("cublasLt" #name, &loaded.library.name);
  MR_CUBLAS_LT_FUNCTIONS(MR_CUBLAS_LT_LOAD)
#undef MR_CUBLAS_LT_LOAD
  return loaded;
}

}  // namespace

Status cublas_lt(const CublasLt** out) {
  static const Loaded loaded = load();
  MR_RETURN_IF_ERROR(loaded.status);
  *out = &loaded.library;
  return ok();
}

Status cublas_lt_status(const CublasLt& library, cublasStatus_t status, const char* call) {
  if (status == CUBLAS_STATUS_SUCCESS) return ok();
  const mr_code code = status == CUBLAS_STATUS_ALLOC_FAILED ? MR_OUT_OF_MEMORY : MR_INTERNAL;
  return Status(code, std::string(call) + " failed: " + library.GetStatusString(status));
}

}  // namespace millrace::cuda
