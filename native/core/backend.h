// The backend registry: api/ names backends, everything else takes a table.
#ifndef MILLRACE_CORE_BACKEND_H_
#define MILLRACE_CORE_BACKEND_H_

#include <memory>
#include <string>

#include "core/device.h"
#include "core/ops.h"

namespace millrace {

// Each backend library defines its own. Null when this build or this machine cannot run it.
const OpTable* reference_backend(DType dtype);  // every floating dtype
const OpTable* cpu_backend(DType dtype);        // kF32, kBF16, kF16; null without a BLAS library

// Defined only in builds with CUDA (MILLRACE_CUDA).
const OpTable* cuda_backend(DType dtype);  // kF32, kBF16, kF16
// How many GPUs can be used; if none, `why` says what is missing: driver, device, library.
int cuda_device_count(std::string* why);
// GPU `index` for the calling thread, which is the rank's. `exclusive`: no other rank of this process uses this GPU, so
// work may be recorded.
Status open_cuda_device(int index, bool exclusive, std::unique_ptr<Device>* out);

// What stands in a report beside what was measured.
struct GpuFacts {
  std::string name;
  // As their makers number versions; 0: not found.
  int driver = 0, runtime = 0, cublas_lt = 0, cudnn = 0, nccl = 0;
  int multiprocessors = 0;
  size_t memory_bytes = 0, free_bytes = 0;
};
Status cuda_facts(int index, GpuFacts* out);

}  // namespace millrace

#endif  // MILLRACE_CORE_BACKEND_H_
