// The functions of the runtime, but for those of capture, which live with the streams.
#include "emulator/runtime_api.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "emulator/block.h"
#include "emulator/device_memory.h"
#include "emulator/emulator.h"
#include "emulator/faults.h"
#include "emulator/streams.h"

namespace emulator {

namespace {

thread_local cudaError_t last_error = cudaSuccess;

// What a call returns, and cudaGetLastError() after it.
cudaError_t result(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

Settings from_environment() {
  Settings all;
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  if (const std::string gpus = value("MILLRACE_EMULATED_GPUS"); !gpus.empty()) {
    all.num_gpus = std::clamp(std::atoi(gpus.c_str()), 0, 64);
  }
  if (const std::string bytes = value("MILLRACE_EMULATED_MEMORY"); !bytes.empty()) {
    all.memory_bytes = std::strtoull(bytes.c_str(), nullptr, 10);
  }
  if (const std::string order = value("MILLRACE_EMULATED_ORDER"); order == "backward") {
    all.order = Order::kBackward;
  } else if (!order.empty() && order != "forward") {
    all.order = Order::kShuffled;
    all.seed = std::strtoull(order.c_str(), nullptr, 10);
  }
  all.late = value("MILLRACE_EMULATED_STREAMS") == "late";
  all.guard = value("MILLRACE_EMULATED_GUARD") != "off";
  all.peers = value("MILLRACE_EMULATED_PEERS") != "off";
  return all;
}

// A copy that the host may be reading or writing while it is under way: all memory is as the kind says.
cudaError_t check_copy(const void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  const bool to_device = place_of(to) == Place::kDevice, from_device = place_of(from) == Place::kDevice;
  const bool as_said = kind == cudaMemcpyDefault ||
                       (to_device == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
                        from_device == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice));
  std::string wrong = as_said ? "" : "the kind of the copy is not that of the memory";
  if (wrong.empty() && to_device) wrong = check_range(to, bytes);
  if (wrong.empty() && from_device) wrong = check_range(from, bytes);
  if (wrong.empty()) return cudaSuccess;
  std::fprintf(stderr, "emulator: a copy of %zu bytes: %s\n", bytes, wrong.c_str());
  return cudaErrorInvalidValue;
}

}  // namespace

Settings& settings() {
  static Settings all = from_environment();
  return all;
}

}  // namespace emulator

using emulator::drain;
using emulator::enqueue;
using emulator::Place;
using emulator::place_of;
using emulator::resolve;
using emulator::result;
using emulator::settings;

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
#define MR_NAME(name) \
  case name:          \
    return #name;
    MR_NAME(cudaSuccess)
    MR_NAME(cudaErrorInvalidValue)
    MR_NAME(cudaErrorMemoryAllocation)
    MR_NAME(cudaErrorInvalidConfiguration)
    MR_NAME(cudaErrorInsufficientDriver)
    MR_NAME(cudaErrorDevicesUnavailable)
    MR_NAME(cudaErrorNoDevice)
    MR_NAME(cudaErrorInvalidDevice)
    MR_NAME(cudaErrorInvalidResourceHandle)
    MR_NAME(cudaErrorNotReady)
    MR_NAME(cudaErrorIllegalAddress)
    MR_NAME(cudaErrorPeerAccessAlreadyEnabled)
    MR_NAME(cudaErrorMisalignedAddress)
    MR_NAME(cudaErrorLaunchFailure)
    MR_NAME(cudaErrorStreamCaptureUnsupported)
    MR_NAME(cudaErrorStreamCaptureInvalidated)
    MR_NAME(cudaErrorStreamCaptureUnmatched)
    MR_NAME(cudaErrorCapturedEvent)
    MR_NAME(cudaErrorUnknown)
#undef MR_NAME
  }
  return "unrecognized error code";
}

const char* cudaGetErrorString(cudaError_t error) {
  if (error == cudaErrorLaunchFailure || error == cudaErrorInvalidConfiguration) {
    static thread_local std::string text;
    text = emulator::last_report();
    return text.c_str();
  }
  return error == cudaErrorMemoryAllocation ? "out of memory" : cudaGetErrorName(error);
}

cudaError_t cudaGetLastError() { return std::exchange(emulator::last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return emulator::last_error; }

cudaError_t cudaDriverGetVersion(int* out) {
  *out = settings().num_gpus == 0 ? 0 : CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* out) {
  *out = CUDART_VERSION;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* out) {
  *out = settings().num_gpus;
  return result(*out == 0 ? cudaErrorNoDevice : cudaSuccess);
}
cudaError_t cudaGetDevice(int* out) {
  *out = emulator::current_gpu();
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int gpu) {
  emulator::watch_faults();
  if (gpu < 0 || gpu >= settings().num_gpus) return result(cudaErrorInvalidDevice);
  emulator::current_gpu() = gpu;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* out, int gpu) {
  if (gpu < 0 || gpu >= settings().num_gpus) return result(cudaErrorInvalidDevice);
  *out = cudaDeviceProp{"emulated", settings().memory_bytes, 9, 0, 132, emulator::kMostSharedBytes};
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* out, cudaDeviceAttr attribute, int gpu) {
  if (gpu < 0 || gpu >= settings().num_gpus) return result(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
      *out = 132;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor:
      *out = 9;
      return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor:
      *out = 0;
      return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *out = static_cast<int>(emulator::kMostSharedBytes);
      return cudaSuccess;
  }
  return result(cudaErrorInvalidValue);
}
cudaError_t cudaDeviceCanAccessPeer(int* out, int gpu, int peer) {
  *out = gpu != peer && settings().peers ? 1 : 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned) {
  if (peer < 0 || peer >= settings().num_gpus || peer == emulator::current_gpu()) {
    return result(cudaErrorInvalidDevice);
  }
  return result(emulator::enable_peer(emulator::current_gpu(), peer) ? cudaSuccess : cudaErrorPeerAccessAlreadyEnabled);
}
cudaError_t cudaDeviceSynchronize() {
  if (emulator::forbidden_in_capture()) return result(cudaErrorStreamCaptureUnsupported);
  emulator::drain_gpu(emulator::current_gpu());
  return result(emulator::gpu_error(emulator::current_gpu()));
}
cudaError_t cudaMemGetInfo(size_t* free_bytes, size_t* total_bytes) {
  *total_bytes = settings().memory_bytes;
  *free_bytes = emulator::free_bytes_of(emulator::current_gpu());
  return cudaSuccess;
}

cudaError_t cudaMalloc(void** out, size_t bytes) {
  emulator::watch_faults();
  if (emulator::forbidden_in_capture()) return result(cudaErrorStreamCaptureUnsupported);
  void* memory = emulator::allocate_on(emulator::current_gpu(), bytes);
  if (memory == nullptr) return result(cudaErrorMemoryAllocation);
  *out = memory;
  return cudaSuccess;
}
// Waits, as CUDA's does, for all that may use the memory.
cudaError_t cudaFree(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  if (emulator::forbidden_in_capture()) return result(cudaErrorStreamCaptureUnsupported);
  for (int gpu = 0; gpu < settings().num_gpus; ++gpu) emulator::drain_gpu(gpu);
  return result(emulator::release_device_memory(memory) ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaHostAlloc(void** out, size_t bytes, unsigned) {
  if (emulator::forbidden_in_capture()) return result(cudaErrorStreamCaptureUnsupported);
  void* memory = emulator::allocate_pinned(bytes);
  if (memory == nullptr) return result(cudaErrorMemoryAllocation);
  *out = memory;
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* memory) {
  if (memory == nullptr) return cudaSuccess;
  for (int gpu = 0; gpu < settings().num_gpus; ++gpu) emulator::drain_gpu(gpu);
  return result(emulator::release_pinned(memory) ? cudaSuccess : cudaErrorInvalidValue);
}

// Pageable memory of the host is read before the call returns, and written before it returns; page-locked memory is
// touched when the stream gets there.
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (const cudaError_t error = emulator::check_copy(to, from, bytes, kind); error != cudaSuccess) {
    return result(error);
  }
  const bool pageable_to = place_of(to) == Place::kHost, pageable_from = place_of(from) == Place::kHost;
  const int gpu = resolve(stream)->gpu;
  if (resolve(stream)->capture != nullptr && (pageable_to || pageable_from)) {
    // A replay would copy what the host happens to hold then.
    resolve(stream)->capture->invalidated = true;
    return result(cudaErrorStreamCaptureUnsupported);
  }
  std::shared_ptr<char[]> staged;
  if (pageable_from) {
    staged.reset(new char[bytes]);
    std::memcpy(staged.get(), from, bytes);
  }
  cudaError_t error = enqueue(stream, [=] {
    const emulator::DeviceAccess access(gpu);
    std::memmove(to, staged != nullptr ? staged.get() : from, bytes);
    return cudaSuccess;
  });
  if (error == cudaSuccess && pageable_to) error = drain(stream);
  return result(error);
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) {
  if (emulator::forbidden_in_capture()) return result(cudaErrorStreamCaptureUnsupported);
  const cudaError_t error = cudaMemcpyAsync(to, from, bytes, kind, nullptr);
  return error != cudaSuccess ? error : result(drain(nullptr));
}
cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  if (bytes == 0) return cudaSuccess;
  if (!emulator::check_range(memory, bytes).empty()) return result(cudaErrorInvalidValue);
  const int gpu = resolve(stream)->gpu;
  return result(enqueue(stream, [=] {
    const emulator::DeviceAccess access(gpu);
    std::memset(memory, value, bytes);
    return cudaSuccess;
  }));
}
cudaError_t cudaMemset(void* memory, int value, size_t bytes) { return cudaMemsetAsync(memory, value, bytes, nullptr); }

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* out, unsigned) {
  auto* stream = new CUstream_st;
  stream->gpu = emulator::current_gpu();
  emulator::add(stream);
  *out = stream;
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* out) { return cudaStreamCreateWithFlags(out, cudaStreamDefault); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  emulator::forget(stream);
  delete stream;
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (resolve(stream)->capture != nullptr) {
    resolve(stream)->capture->invalidated = true;
    return result(cudaErrorStreamCaptureUnsupported);
  }
  return result(drain(stream));
}
// A stream that is asked gets its work done: whoever polls comes to an end.
cudaError_t cudaStreamQuery(cudaStream_t stream) { return cudaStreamSynchronize(stream); }

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  cudaStream_t stream = resolve(handle);
  if (event->capture != nullptr) {
    // Waiting for captured work makes a stream part of the capture; the order of the calls is one of its orders.
    if (stream->capture == nullptr) stream->capture = event->capture;
    return result(stream->capture == event->capture ? cudaSuccess : cudaErrorStreamCaptureUnsupported);
  }
  if (event->point == nullptr) return cudaSuccess;
  if (stream->capture != nullptr) {
    stream->capture->invalidated = true;
    return result(cudaErrorStreamCaptureUnsupported);
  }
  return result(enqueue(stream, [point = event->point] { return emulator::reach(*point); }));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* out, unsigned) {
  *out = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* out) { return cudaEventCreateWithFlags(out, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  cudaStream_t stream = resolve(handle);
  event->capture = stream->capture;
  if (stream->capture != nullptr) return cudaSuccess;
  auto point = std::make_shared<emulator::Point>();
  point->stream = stream;
  point->gpu = stream->gpu;
  event->point = point;
  return result(enqueue(stream, [point] {
    point->time = std::chrono::steady_clock::now();
    point->done = true;
    return cudaSuccess;
  }));
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->capture != nullptr) {
    event->capture->invalidated = true;
    return result(cudaErrorCapturedEvent);
  }
  return event->point == nullptr ? cudaSuccess : result(emulator::reach(*event->point));
}
cudaError_t cudaEventQuery(cudaEvent_t event) { return cudaEventSynchronize(event); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  if (begin->point == nullptr || end->point == nullptr) return result(cudaErrorInvalidResourceHandle);
  if (!begin->point->done || !end->point->done) return result(cudaErrorNotReady);
  *milliseconds = std::chrono::duration<float, std::milli>(end->point->time - begin->point->time).count();
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int value) {
  const bool possible = value >= 0 && static_cast<size_t>(value) <= emulator::kMostSharedBytes;
  return result(possible ? cudaSuccess : cudaErrorInvalidValue);
}
