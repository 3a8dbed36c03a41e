// cuBLASLt, found and loaded at run time: a build links nothing of it, and a machine without it says what is missing.
// The only file through which the library enters. Read-only after loading, shared by all threads.
#ifndef MILLRACE_CUDA_CUBLAS_LT_H_
#define MILLRACE_CUDA_CUBLAS_LT_H_

#include <cublasLt.h>

#include "core/status.h"

#define MR_CUBLAS_LT_FUNCTIONS(X) \
  X(Create)                       \
  X(Destroy)                      \
  X(GetVersion)                   \
  X(GetStatusString)              \
  X(Matmul)                       \
  X(MatmulAlgoCheck)              \
  X(MatmulAlgoConfigGetAttribute) \
  X(MatmulAlgoGetHeuristic)       \
  X(MatmulDescCreate)             \
  X(MatmulDescDestroy)            \
  X(MatmulDescSetAttribute)       \
  X(MatmulPreferenceCreate)       \
  X(MatmulPreferenceDestroy)      \
  X(MatmulPreferenceSetAttribute) \
  X(MatrixLayoutCreate)           \
  X(MatrixLayoutDestroy)

namespace millrace::cuda {

// The library's functions under their own names, without the prefix.
struct CublasLt {
#define MR_CUBLAS_LT_MEMBER(name) decltype(&cublasLt##name) name = nullptr;
  MR_CUBLAS_LT_FUNCTIONS(MR_CUBLAS_LT_MEMBER)
#undef MR_CUBLAS_LT_MEMBER
};

// The library, loaded by the first call; later calls give the same answer. MR_NO_DEVICE names the places where it was
// looked for, or the function that it lacks.
Status cublas_lt(const CublasLt** out);

// ok(), or what the library says about a call that failed.
Status cublas_lt_status(const CublasLt& library, cublasStatus_t status, const char* call);

}  // namespace millrace::cuda

#define MR_RETURN_IF_CUBLAS_LT_ERROR(library, name, ...) \
  MR_RETURN_IF_ERROR(::millrace::cuda::cublas_lt_status(library, (library).name(__VA_ARGS__), "cublasLt" #name))

#endif  // MILLRACE_CUDA_CUBLAS_LT_H_
