// Launching kernels: the only place that does. A kernel is a `__global__ void` function; launch() checks what can be
// checked and returns what the runtime says, naming the line that launched.
#ifndef MILLRACE_CUDA_LAUNCH_H_
#define MILLRACE_CUDA_LAUNCH_H_

#include <algorithm>
#include <cstdint>
#include <source_location>
#include <string>
#include <tuple>
#include <utility>

#include "cuda/runtime.h"

namespace millrace::cuda {

// Converts from the context that an op was given, and notes where.
struct LaunchSite {
  LaunchSite(Context& launched_in, std::source_location here = std::source_location::current())
      : stream(*launched_in.stream), where(here) {}
  LaunchSite(Stream& launched_on, std::source_location here = std::source_location::current())
      : stream(launched_on), where(here) {}

  Stream& stream;
  std::source_location where;
};

// "layernorm.cu:120", for errors.
inline std::string name_of(const std::source_location& where) {
  const std::string file = where.file_name();
  return file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(where.line());
}

// Blocks of a grid that covers `items`, `per_block` each, but at most `most`: the kernel strides over what is left.
inline unsigned grid_for(int64_t items, int64_t per_block, int64_t most) {
  return static_cast<unsigned>(std::clamp<int64_t>((items + per_block - 1) / per_block, 0, most));
}

// Above this much dynamic shared memory a kernel has to ask for it. The limit without asking is 48 KiB of static and
// dynamic memory together; asking costs nothing.
inline constexpr size_t kSharedBytesWithoutAsking = size_t{32} << 10;

// Enqueues kernel(args...) on the stream. A grid without blocks is nothing to do. Arguments are converted to the types
// of the kernel's parameters.
template <class... Params, class... Args>
Status launch(LaunchSite site, void (*kernel)(Params...), dim3 grid, dim3 block, size_t shared_bytes, Args&&... args) {
  static_assert(sizeof...(Params) == sizeof...(Args), "a kernel takes all its arguments");
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return ok();
  const void* function = reinterpret_cast<const void*>(kernel);
  cudaError_t error = cudaSuccess;
  if (shared_bytes > kSharedBytesWithoutAsking) {
    error = cudaFuncSetAttribute(function, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared_bytes));
  }
  if (error == cudaSuccess) {
    std::tuple<Params...> values(static_cast<Params>(std::forward<Args>(args))...);
    error = std::apply(
        [&](Params&... value) {
          // One more than there are, for kernels without parameters.
          void* pointers[] = {static_cast<void*>(&value)..., nullptr};
          return cudaLaunchKernel(kernel, grid, block, pointers, shared_bytes, site.stream.handle);
        },
        values);
  }
  if (error == cudaSuccess) [[likely]]
    return ok();
  return status_of(error, ("the kernel launched at " + name_of(site.where)).c_str());
}

}  // namespace millrace::cuda

// In a kernel: `name` points to the dynamic shared memory of the block, aligned to 128 bytes.
#define MR_DYNAMIC_SHARED(T, name)                                    \
  extern __shared__ __align__(128) unsigned char mr_dynamic_shared[]; \
  T* name = reinterpret_cast<T*>(mr_dynamic_shared)

#endif  // MILLRACE_CUDA_LAUNCH_H_
