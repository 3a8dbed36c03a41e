// What a GPU and the libraries that are found say about themselves, for reports.
#include "core/backend.h"
#include "cuda/libraries.h"
#include "cuda/runtime.h"

namespace millrace {

namespace {

using cuda::Library;

// The version function of cuBLASLt and cuDNN; 0 where the library is not found.
int version_of(const char* file, const char* function) {
  Library library;
  size_t (*version)() = nullptr;
  if (!Library::open(file, &library).ok() || !library.find(function, &version).ok()) return 0;
  return static_cast<int>(version());
}

int nccl_version() {
  Library library;
  int (*get)(int*) = nullptr;
  int version = 0;
  if (!Library::open("libnccl.so.2", &library).ok() || !library.find("ncclGetVersion", &get).ok()) return 0;
  return get(&version) == 0 ? version : 0;
}

}  // namespace

Status cuda_facts(int index, GpuFacts* out) {
  std::string why;
  if (index >= cuda_device_count(&why)) return Status(MR_NO_DEVICE, why.empty() ? "no such GPU" : why);
  GpuFacts facts;
  cudaDeviceProp properties{};
  MR_CUDA(cudaGetDeviceProperties(&properties, index));
  MR_CUDA(cudaSetDevice(index));
  MR_CUDA(cudaMemGetInfo(&facts.free_bytes, &facts.memory_bytes));
  MR_CUDA(cudaDriverGetVersion(&facts.driver));
  MR_CUDA(cudaRuntimeGetVersion(&facts.runtime));
  facts.name = properties.name;
  facts.multiprocessors = properties.multiProcessorCount;
  facts.cublas_lt = version_of("libcublasLt.so.13", "cublasLtGetVersion");
  facts.cudnn = version_of("libcudnn.so.9", "cudnnGetVersion");
  facts.nccl = nccl_version();
  *out = facts;
  return ok();
}

}  // namespace millrace
