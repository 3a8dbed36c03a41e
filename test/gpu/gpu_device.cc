#include "gpu_device.h"

namespace millrace::testing {

const OpTable* backend_of(const std::string& backend, DType dtype) {
#if defined(MILLRACE_CUDA)
  if (backend == "cuda") return cuda_backend(dtype);
#endif
  if (backend == "cpu") return cpu_backend(dtype);
  return backend == "reference" ? reference_backend(dtype) : nullptr;
}

Status open_device(const std::string& backend, bool exclusive, std::shared_ptr<Device>* out) {
#if defined(MILLRACE_CUDA)
  if (backend == "cuda") {
    std::unique_ptr<Device> device;
    MR_RETURN_IF_ERROR(open_cuda_device(0, exclusive, &device));
    *out = std::move(device);
    return ok();
  }
#endif
  (void)exclusive;
  if (backend_of(backend, DType::kF32) == nullptr) {
    return Status(MR_NO_DEVICE, "expected backend " + backend + " in this build, got none");
  }
  *out = shared_host_device();
  return ok();
}

}  // namespace millrace::testing
