#include "cuda/runtime.h"

#include <string>

namespace millrace::cuda {

namespace {

mr_code code_of(cudaError_t error) {
  switch (error) {
    case cudaErrorMemoryAllocation:
      return MR_OUT_OF_MEMORY;
    case cudaErrorNoDevice:
    case cudaErrorInsufficientDriver:
    case cudaErrorInvalidDevice:
    case cudaErrorDevicesUnavailable:
      return MR_NO_DEVICE;
    default:
      return MR_INTERNAL;
  }
}

}  // namespace

Status status_of(cudaError_t error, const char* call) {
  if (error == cudaSuccess) return ok();
  // The runtime also keeps the error for the next who asks; it has been reported now.
  (void)cudaGetLastError();
  return Status(code_of(error), std::string("CUDA: ") + call + " failed: " + cudaGetErrorString(error) + " (" +
                                    cudaGetErrorName(error) + ")");
}

Status describe_gpu(int gpu, std::string* out) {
  cudaDeviceProp properties{};
  MR_CUDA(cudaGetDeviceProperties(&properties, gpu));
  *out = "GPU " + std::to_string(gpu) + " (" + properties.name + ", sm_" + std::to_string(properties.major) +
         std::to_string(properties.minor) + ", " + std::to_string(properties.totalGlobalMem >> 30) + " GiB)";
  return ok();
}

}  // namespace millrace::cuda
