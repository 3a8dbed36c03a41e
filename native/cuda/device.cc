#include "cuda/device.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "core/backend.h"
#include "cuda/cublas_lt.h"

namespace millrace {

namespace cuda {

namespace {

// The oldest GPUs that the kernels are compiled for: bf16 products and asynchronous copies begin there.
constexpr int kOldestCapability = 80;

std::string version(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

// Whether GPU `gpu` can be used.
Status check_capability(int gpu) {
  int major = 0, minor = 0;
  MR_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, gpu));
  MR_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, gpu));
  if (major * 10 + minor >= kOldestCapability) return ok();
  std::string name;
  MR_RETURN_IF_ERROR(describe_gpu(gpu, &name));
  return Status(MR_NO_DEVICE, "expected a GPU of compute capability 8.0 or newer, got " + name);
}

Status count_gpus(int* count) {
  int driver = 0, runtime = 0;
  MR_CUDA(cudaDriverGetVersion(&driver));
  MR_CUDA(cudaRuntimeGetVersion(&runtime));
  if (driver == 0) return Status(MR_NO_DEVICE, "expected an NVIDIA driver, found none (libcuda.so.1 does not load)");
  if (driver / 1000 < runtime / 1000) {
    return Status(MR_NO_DEVICE,
                  "expected a driver for CUDA " + version(runtime) + ", found one for CUDA " + version(driver));
  }
  const cudaError_t error = cudaGetDeviceCount(count);
  if (error == cudaErrorNoDevice || (error == cudaSuccess && *count == 0)) {
    (void)cudaGetLastError();
    return Status(MR_NO_DEVICE, "expected an NVIDIA GPU, the driver sees none (CUDA_VISIBLE_DEVICES may hide them)");
  }
  return status_of(error, "cudaGetDeviceCount");
}

}  // namespace

// The libraries' state goes first: it may hold memory that the stream still uses.
CudaDevice::~CudaDevice() {
  if (stream_.handle != nullptr) (void)cudaStreamSynchronize(stream_.handle);
  stream_.gemm.reset();
  stream_.attention.reset();
  for (const auto& [key, record] : records_) {
    if (record.graph != nullptr) (void)cudaGraphExecDestroy(record.graph);
  }
  for (const Mark& mark : marks_) {
    if (mark.event != nullptr) (void)cudaEventDestroy(mark.event);
  }
  if (stream_.handle != nullptr) (void)cudaStreamDestroy(stream_.handle);
}

Status CudaDevice::open(int gpu) {
  MR_RETURN_IF_ERROR(check_capability(gpu));
  MR_CUDA(cudaSetDevice(gpu));
  int major = 0, minor = 0, shared_bytes = 0;
  MR_CUDA(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, gpu));
  MR_CUDA(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, gpu));
  MR_CUDA(cudaDeviceGetAttribute(&stream_.num_multiprocessors, cudaDevAttrMultiProcessorCount, gpu));
  MR_CUDA(cudaDeviceGetAttribute(&shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, gpu));
  stream_.gpu = gpu;
  stream_.compute_capability = major * 10 + minor;
  stream_.shared_bytes_limit = static_cast<size_t>(shared_bytes);
  // Ranks that share a GPU must not wait for each other through the legacy default stream.
  MR_CUDA(cudaStreamCreateWithFlags(&stream_.handle, cudaStreamNonBlocking));
  // Waiting threads sleep: the processor is the loader's.
  for (Mark& mark : marks_) {
    MR_CUDA(cudaEventCreateWithFlags(&mark.event, cudaEventDisableTiming | cudaEventBlockingSync));
  }
  return staging_.open();
}

Status CudaDevice::allocate(size_t bytes, void** out) {
  void* memory = nullptr;
  const cudaError_t error = cudaMalloc(&memory, std::max<size_t>(bytes, 1));
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    size_t free_bytes = 0, total_bytes = 0;
    MR_CUDA(cudaMemGetInfo(&free_bytes, &total_bytes));
    return Status(MR_OUT_OF_MEMORY, "expected " + std::to_string(bytes) + " bytes of memory on GPU " +
                                        std::to_string(stream_.gpu) + ", got none: " + std::to_string(free_bytes) +
                                        " of " + std::to_string(total_bytes) + " are free");
  }
  MR_RETURN_IF_ERROR(status_of(error, "cudaMalloc"));
  cudaError_t cleared = cudaMemsetAsync(memory, 0, std::max<size_t>(bytes, 1), stream_.handle);
  if (cleared == cudaSuccess) cleared = cudaStreamSynchronize(stream_.handle);
  if (cleared != cudaSuccess) {
    (void)cudaFree(memory);
    return status_of(cleared, "clearing new memory");
  }
  *out = memory;
  return ok();
}

void CudaDevice::release(void* memory, size_t) { (void)cudaFree(memory); }

Status CudaDevice::allocate_host(size_t bytes, void** out) {
  void* memory = nullptr;
  const cudaError_t error = cudaHostAlloc(&memory, std::max<size_t>(bytes, 1), cudaHostAllocPortable);
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError();
    return Status(MR_OUT_OF_MEMORY, "expected " + std::to_string(bytes) + " bytes of page-locked memory, got none");
  }
  MR_RETURN_IF_ERROR(status_of(error, "cudaHostAlloc"));
  std::memset(memory, 0, bytes);
  *out = memory;
  return ok();
}

void CudaDevice::release_host(void* memory, size_t) { (void)cudaFreeHost(memory); }

Status CudaDevice::to_device(Context& context, void* to, const void* from, size_t bytes) {
  MR_CHECK(!stream_.recording);  // a record would copy what the host holds when it is replayed
  return staging_.copy(stream_.handle, to, from, bytes, context.heartbeat);
}

Status CudaDevice::to_host(Context&, void* to, const void* from, size_t bytes) {
  MR_CHECK(!stream_.recording);
  if (bytes == 0) return ok();
  MR_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream_.handle));
  return ok();
}

Status CudaDevice::wait(Context& context) {
  MR_CHECK(!stream_.recording);
  Mark& mark = marks_.back();
  MR_CUDA(cudaEventRecord(mark.event, stream_.handle));
  mark.pieces = staging_.num_pieces();
  MR_RETURN_IF_ERROR(reach(mark, context.heartbeat));
  MR_CUDA(cudaStreamSynchronize(stream_.handle));
  return ok();
}

Status CudaDevice::mark(Context& context, Event* out) {
  Mark& mark = marks_[next_mark_];
  next_mark_ = 1 - next_mark_;
  MR_CUDA(cudaEventRecord(mark.event, stream_.handle));
  mark.pieces = staging_.num_pieces();
  heartbeat_ = context.heartbeat;
  out->handle = &mark;
  return ok();
}

Status CudaDevice::wait_for(const Event& event) {
  if (event.handle == nullptr) return ok();
  return reach(*static_cast<const Mark*>(event.handle), heartbeat_);
}

// By way of the pieces that were staged before, so that a long step gives signs of life while it advances, and none
// when it hangs.
Status CudaDevice::reach(const Mark& mark, Heartbeat* heartbeat) {
  MR_RETURN_IF_ERROR(staging_.wait_for(mark.pieces, heartbeat));
  MR_CUDA(cudaEventSynchronize(mark.event));
  return ok();
}

// The first call with a key runs plainly: algorithms are chosen and libraries make what they need, which a recording
// must not. The second is recorded. What cannot be recorded runs plainly for good, and stream().not_recorded says why.
Status CudaDevice::replay(Context&, uint64_t key, const std::function<Status()>& work) {
  if (!exclusive_ || !stream_.not_recorded.ok() || stream_.recording) return work();
  Record& known = records_[key];
  if (!known.ran) {
    MR_RETURN_IF_ERROR(work());
    known.ran = true;
    return ok();
  }
  if (known.graph == nullptr) {
    stream_.not_recorded = record(work, &known.graph);
    if (!stream_.not_recorded.ok()) return work();
  }
  MR_CUDA(cudaGraphLaunch(known.graph, stream_.handle));
  return ok();
}

Status CudaDevice::record(const std::function<Status()>& work, cudaGraphExec_t* out) {
  // Only this thread's calls can spoil the recording: the loader's and other ranks' go on.
  MR_CUDA(cudaStreamBeginCapture(stream_.handle, cudaStreamCaptureModeThreadLocal));
  stream_.recording = true;
  Status status = work();
  stream_.recording = false;
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream_.handle, &graph);
  if (status.ok()) status = status_of(ended, "cudaStreamEndCapture");
  if (status.ok()) status = status_of(cudaGraphInstantiate(out, graph, 0), "cudaGraphInstantiate");
  if (graph != nullptr) (void)cudaGraphDestroy(graph);
  (void)cudaGetLastError();
  return status;
}

}  // namespace cuda

int cuda_device_count(std::string* why) {
  int count = 0;
  Status status = cuda::count_gpus(&count);
  int usable = 0;
  while (status.ok() && usable < count) {
    status = cuda::check_capability(usable);
    if (status.ok()) ++usable;
  }
  const cuda::CublasLt* library = nullptr;
  if (usable > 0) status = cuda::cublas_lt(&library);
  if (library == nullptr) usable = 0;
  if (usable == 0 && why != nullptr) *why = status.message();
  return usable;
}

Status open_cuda_device(int index, bool exclusive, std::unique_ptr<Device>* out) {
  std::string why;
  const int count = cuda_device_count(&why);
  if (count == 0) return Status(MR_NO_DEVICE, why);
  if (index < 0 || index >= count) {
    return Status(MR_NO_DEVICE,
                  "expected a GPU from 0 to " + std::to_string(count - 1) + ", got " + std::to_string(index));
  }
  auto device = std::make_unique<cuda::CudaDevice>(exclusive);
  MR_RETURN_IF_ERROR(device->open(index));
  *out = std::move(device);
  return ok();
}

}  // namespace millrace
