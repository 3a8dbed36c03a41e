// cudaLaunchKernel of the emulator: unlike CUDA's it is told the types of the parameters, so that it can copy them at
// once, as a launch does, and look for pointers that no GPU could follow.
#ifndef MILLRACE_EMULATOR_KERNEL_LAUNCH_H_
#define MILLRACE_EMULATOR_KERNEL_LAUNCH_H_

#include <cstdint>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "emulator/block.h"
#include "emulator/runtime_api.h"

namespace emulator {

// Checks the sizes and enqueues.
cudaError_t enqueue_grid(Grid grid, cudaStream_t stream);

// Whether `word` is the address of something in ordinary memory of the host: heap or stack.
bool points_to_host(uint64_t word);
// Any word of the argument may be a pointer: it can be a structure.
template <class T>
void look_for_host_pointers(Grid* grid, int index, const T& value) {
  T plain = value;
  if constexpr (std::is_class_v<T>) __builtin_clear_padding(&plain);  // what lies between members is of no meaning
  for (size_t at = 0; at + sizeof(uint64_t) <= sizeof(T); at += alignof(void*)) {
    uint64_t word = 0;
    std::memcpy(&word, reinterpret_cast<const char*>(&plain) + at, sizeof(word));
    if (points_to_host(word)) grid->host_pointer = index;
  }
}

template <class... Params, size_t... kIndex>
cudaError_t launch_typed(void (*kernel)(Params...), dim3 grid_size, dim3 block_size, void** arguments,
                         size_t shared_bytes, cudaStream_t stream, std::index_sequence<kIndex...>) {
  Grid grid{reinterpret_cast<const void*>(kernel), grid_size, block_size, shared_bytes, {}, -1};
  (look_for_host_pointers(&grid, static_cast<int>(kIndex),
                          *static_cast<std::remove_cvref_t<Params>*>(arguments[kIndex])),
   ...);
  std::tuple<std::remove_cvref_t<Params>...> values(*static_cast<std::remove_cvref_t<Params>*>(arguments[kIndex])...);
  grid.body = [kernel, values] { std::apply(kernel, values); };
  return enqueue_grid(std::move(grid), stream);
}

}  // namespace emulator

template <class... Params>
cudaError_t cudaLaunchKernel(void (*kernel)(Params...), dim3 grid_size, dim3 block_size, void** arguments,
                             size_t shared_bytes = 0, cudaStream_t stream = nullptr) {
  return emulator::launch_typed(kernel, grid_size, block_size, arguments, shared_bytes, stream,
                                std::index_sequence_for<Params...>{});
}

#endif  // MILLRACE_EMULATOR_KERNEL_LAUNCH_H_
