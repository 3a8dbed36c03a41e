// Backends and devices of this build by name, so that every check also runs on the CPU: what it says there of the CPU
// is what shows that it can say anything.
#ifndef MILLRACE_TEST_GPU_GPU_DEVICE_H_
#define MILLRACE_TEST_GPU_GPU_DEVICE_H_

#include <memory>
#include <string>

#include "core/backend.h"

namespace millrace::testing {

// "cuda", "cpu" or "reference"; null when this build has no such table.
const OpTable* backend_of(const std::string& backend, DType dtype);
// Device 0 of `backend` for the calling thread. `exclusive` as for open_cuda_device.
Status open_device(const std::string& backend, bool exclusive, std::shared_ptr<Device>* out);

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_GPU_DEVICE_H_
