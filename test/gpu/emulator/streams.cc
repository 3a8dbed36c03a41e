#include "emulator/streams.h"

#include <array>
#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "emulator/block.h"
#include "emulator/device_memory.h"
#include "emulator/emulator.h"
#include "emulator/faults.h"
#include "emulator/kernel_launch.h"
#include "emulator/symbols.h"

namespace emulator {

namespace {

constexpr int kMostGpus = 64;

struct Machine {
  std::recursive_mutex queues;  // held while late work runs
  std::set<cudaStream_t> streams;
  std::map<int, CUstream_st> default_streams;
  std::mutex state;
  std::array<cudaError_t, kMostGpus> errors{};
  std::string report;
  std::atomic<uint64_t> num_launches{0};
};

// Never destroyed: threads may outlive static objects.
Machine& machine() {
  static Machine* one = new Machine;
  return *one;
}

thread_local std::vector<std::weak_ptr<Capture>> captures_of_thread;

void note_error(int gpu, cudaError_t error) {
  const std::lock_guard lock(machine().state);
  cudaError_t& kept = machine().errors[static_cast<size_t>(gpu)];
  if (kept == cudaSuccess) kept = error;
}

void report(const std::string& text) {
  const std::lock_guard lock(machine().state);
  machine().report = text;
  std::fprintf(stderr, "emulator: %s\n", text.c_str());
}

void run_work(int gpu, const Work& work) {
  if (gpu_error(gpu) != cudaSuccess) return;  // as after a fault: nothing runs any more
  const cudaError_t error = work();
  if (error != cudaSuccess) note_error(gpu, error);
}

std::string describe(const dim3& size) {
  std::string numbers = std::to_string(size.x);
  numbers += ", " + std::to_string(size.y);
  numbers += ", " + std::to_string(size.z);
  return "(" + numbers + ")";
}

// Empty, or which limit of CUDA (programming guide, "Compute Capabilities") the launch breaks.
std::string check_sizes(const Grid& grid) {
  const dim3& block = grid.block_size;
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  if (threads == 0 || threads > kMostThreads || block.z > 64) {
    return "a block has 1 to " + std::to_string(kMostThreads) + " threads, and 64 in z, not " + describe(block);
  }
  const dim3& size = grid.grid_size;
  if (size.x == 0 || size.x > 0x7fffffffu || size.y == 0 || size.y > 65535 || size.z == 0 || size.z > 65535) {
    return "a grid has 1 to 2^31 - 1 blocks in x and 65535 in y and z, not " + describe(size);
  }
  if (grid.shared_bytes > kMostSharedBytes) {
    return "a block has at most " + std::to_string(kMostSharedBytes) + " bytes of dynamic shared memory, not " +
           std::to_string(grid.shared_bytes);
  }
  if (grid.host_pointer >= 0) {
    return "argument " + std::to_string(grid.host_pointer + 1) + " points to memory of the host";
  }
  return {};
}

cudaError_t run_kernel(int gpu, const Grid& grid) {
  ++machine().num_launches;
  watch_faults();
  std::string wrong;
  {
    const DeviceAccess access(gpu);
    wrong = run_grid(grid);
  }
  if (wrong.empty()) return cudaSuccess;
  report(name_of_function(grid.function) + ", " + wrong);
  return cudaErrorLaunchFailure;
}

}  // namespace

cudaStream_t resolve(cudaStream_t stream) {
  if (stream != nullptr) return stream;
  const std::lock_guard lock(machine().queues);
  CUstream_st& own = machine().default_streams[current_gpu()];
  own.gpu = current_gpu();
  return &own;
}

cudaError_t enqueue(cudaStream_t handle, Work work) {
  cudaStream_t stream = resolve(handle);
  if (stream->capture != nullptr) {
    stream->capture->graph->works.push_back(std::move(work));
    return cudaSuccess;
  }
  const cudaError_t error = gpu_error(stream->gpu);
  if (error != cudaSuccess) return error;
  if (settings().late) {
    const std::lock_guard lock(machine().queues);
    stream->queue.push_back(std::move(work));
    return cudaSuccess;
  }
  run_work(stream->gpu, work);
  return cudaSuccess;  // of the kernel itself only later calls know
}

cudaError_t drain(cudaStream_t handle) {
  cudaStream_t stream = resolve(handle);
  const std::lock_guard lock(machine().queues);
  while (!stream->queue.empty()) {
    const Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    run_work(stream->gpu, work);
  }
  return gpu_error(stream->gpu);
}

cudaError_t reach(const Point& point) {
  const std::lock_guard lock(machine().queues);
  while (!point.done && !point.stream->queue.empty()) {
    const Work work = std::move(point.stream->queue.front());
    point.stream->queue.pop_front();
    run_work(point.gpu, work);
  }
  return gpu_error(point.gpu);
}

void drain_gpu(int gpu) {
  const std::lock_guard lock(machine().queues);
  for (const cudaStream_t stream : machine().streams) {
    if (stream->gpu == gpu) (void)drain(stream);
  }
  const auto found = machine().default_streams.find(gpu);
  if (found != machine().default_streams.end()) (void)drain(&found->second);
}

bool forbidden_in_capture() {
  bool capturing = false;
  for (const std::weak_ptr<Capture>& each : captures_of_thread) {
    if (const std::shared_ptr<Capture> capture = each.lock()) {
      capture->invalidated = true;
      capturing = true;
    }
  }
  return capturing;
}

int& current_gpu() {
  static thread_local int gpu = 0;
  return gpu;
}

cudaError_t gpu_error(int gpu) {
  const std::lock_guard lock(machine().state);
  return machine().errors[static_cast<size_t>(gpu)];
}

void add(cudaStream_t stream) {
  const std::lock_guard lock(machine().queues);
  machine().streams.insert(stream);
}

void forget(cudaStream_t stream) {
  const std::lock_guard lock(machine().queues);
  (void)drain(stream);
  machine().streams.erase(stream);
}

cudaError_t enqueue_grid(Grid grid, cudaStream_t handle) {
  const std::string wrong = check_sizes(grid);
  if (!wrong.empty()) {
    report(name_of_function(grid.function) + ": " + wrong);
    return cudaErrorInvalidConfiguration;
  }
  const int gpu = resolve(handle)->gpu;
  return enqueue(handle, [gpu, grid = std::move(grid)] { return run_kernel(gpu, grid); });
}

std::string last_report() {
  const std::lock_guard lock(machine().state);
  return machine().report;
}

void reset() {
  const std::lock_guard lock(machine().state);
  machine().report.clear();
  machine().errors.fill(cudaSuccess);
}

uint64_t num_launches() { return machine().num_launches; }

}  // namespace emulator

using emulator::Capture;
using emulator::Graph;

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream == nullptr || stream->capture != nullptr) return cudaErrorStreamCaptureUnsupported;
  auto capture = std::make_shared<Capture>();
  capture->graph = std::make_shared<Graph>();
  capture->graph->gpu = stream->gpu;
  capture->origin = stream;
  capture->thread = std::this_thread::get_id();
  emulator::captures_of_thread.emplace_back(capture);
  stream->capture = std::move(capture);
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* out) {
  *out = nullptr;
  const std::shared_ptr<Capture> capture = stream->capture;
  if (capture == nullptr || capture->origin != stream) return cudaErrorStreamCaptureUnmatched;
  {
    const std::lock_guard lock(emulator::machine().queues);
    for (const cudaStream_t each : emulator::machine().streams) {
      if (each->capture == capture) each->capture.reset();
    }
  }
  std::erase_if(emulator::captures_of_thread, [&](const auto& each) { return each.lock() == capture; });
  if (capture->invalidated) return cudaErrorStreamCaptureInvalidated;
  *out = new CUgraph_st{capture->graph};
  return cudaSuccess;
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* out) {
  const Capture* capture = emulator::resolve(stream)->capture.get();
  *out = capture == nullptr     ? cudaStreamCaptureStatusNone
         : capture->invalidated ? cudaStreamCaptureStatusInvalidated
                                : cudaStreamCaptureStatusActive;
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* out, cudaGraph_t graph, unsigned long long) {
  *out = new CUgraphExec_st{graph->graph};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  for (const emulator::Work& work : graph->graph->works) {
    const cudaError_t error = emulator::enqueue(stream, work);
    if (error != cudaSuccess) return error;
  }
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  return cudaSuccess;
}
