#include "api/backend.h"

#include <utility>

#include "comm/thread_comm.h"
#include "core/backend.h"

#if defined(MILLRACE_CUDA)
#include "comm/device_group.h"
#endif

namespace millrace {

namespace {

bool on_gpu(const OpTable& ops) { return std::string_view(ops.name) == "cuda"; }

constexpr const char* kNoBlas = "this build has no BLAS library; build with one or use reference";

#if defined(MILLRACE_CUDA)
const OpTable* cuda_table(DType dtype) { return cuda_backend(dtype); }

std::string cuda_reason() {
  std::string why;
  return cuda_device_count(&why) > 0 ? "" : why;
}

Status count_gpus(int* count) {
  std::string why;
  *count = cuda_device_count(&why);
  return *count > 0 ? ok() : Status(MR_NO_DEVICE, why);
}

Status open_gpu(int rank, int world, std::unique_ptr<Device>* out) {
  int count = 0;
  MR_RETURN_IF_ERROR(count_gpus(&count));
  return open_cuda_device(rank % count, world <= count, out);
}

Status create_gpu_group(const std::vector<int>& ranks, bool bits_of_the_tree,
                        std::vector<std::unique_ptr<Communicator>>* out) {
  int count = 0;
  MR_RETURN_IF_ERROR(count_gpus(&count));
  std::vector<int> gpus;
  for (const int rank : ranks) gpus.push_back(rank % count);
  return create_device_group(gpus, bits_of_the_tree, out);
}
#else
constexpr const char* kNoCuda = "this build has no CUDA; configure it with MILLRACE_CUDA=ON";

const OpTable* cuda_table(DType) { return nullptr; }
std::string cuda_reason() { return kNoCuda; }
Status open_gpu(int, int, std::unique_ptr<Device>*) { return Status(MR_NO_DEVICE, kNoCuda); }
Status create_gpu_group(const std::vector<int>&, bool, std::vector<std::unique_ptr<Communicator>>*) {
  return Status(MR_NO_DEVICE, kNoCuda);
}
#endif

}  // namespace

std::string backend_reason(std::string_view name) {
  if (name == "reference") return "";
  if (name == "cpu") return cpu_backend(DType::kF32) != nullptr ? "" : kNoBlas;
  if (name == "cuda") return cuda_reason();
  return "expected cpu, reference or cuda for backend, got " + std::string(name);
}

Status find_backend(std::string_view name, DType dtype, const OpTable** out) {
  *out = name == "cpu" ? cpu_backend(dtype) : name == "cuda" ? cuda_table(dtype) : reference_backend(dtype);
  if (*out != nullptr) return ok();
  return Status(MR_NO_DEVICE,
                "expected backend " + std::string(name) + " in this build, got none: " + backend_reason(name));
}

Status create_group(const OpTable& ops, const std::vector<int>& ranks, bool bits_of_the_tree,
                    std::vector<std::unique_ptr<Communicator>>* out) {
  if (on_gpu(ops)) return create_gpu_group(ranks, bits_of_the_tree, out);
  *out = create_thread_group(static_cast<int>(ranks.size()));
  return ok();
}

Status open_device(const OpTable& ops, int rank, int world, std::shared_ptr<Device>* out) {
  *out = shared_host_device();
  if (!on_gpu(ops)) return ok();
  std::unique_ptr<Device> gpu;
  MR_RETURN_IF_ERROR(open_gpu(rank, world, &gpu));
  *out = std::move(gpu);
  return ok();
}

}  // namespace millrace
