// Running one block of a kernel: its threads are fibers of the calling thread, which take turns at barriers and at the
// operations of a warp. What CUDA leaves undefined there is an error.
#ifndef MILLRACE_EMULATOR_BLOCK_H_
#define MILLRACE_EMULATOR_BLOCK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "emulator/vector_types.h"

namespace emulator {

inline constexpr int kWarpSize = 32;
inline constexpr unsigned kMostThreads = 1024;
inline constexpr size_t kMostSharedBytes = size_t{227} << 10;

struct Block {
  dim3 grid_size, block_size;
  uint3 index;
  unsigned char* dynamic_shared;
};

// A copy in the background that has not been waited for.
struct AsyncCopy {
  void* to;
  const void* from;  // null: zeros
  int group;
  size_t bytes;
};

// One CUDA thread.
struct Lane {
  const Block* block;
  uint3 index;
  std::vector<AsyncCopy> copies;  // oldest first
  int copy_groups;                // ended so far
};

// The one that runs now on this thread of the host; null outside kernels.
extern thread_local Lane* lane;

// All threads of the block meet here (the same line of the source).
void meet_block(std::source_location where);

// The lanes of `mask` meet. The last to come runs `work` once over what each brought, null where the lane is not in the
// mask; then all go on.
using WarpWork = void (*)(void* const (&brought)[kWarpSize], unsigned mask);
void meet_warp(unsigned mask, void* brought, WarpWork work, std::source_location where);

// Called by `work` or a lane: ends the kernel with this message.
void fail_kernel(const std::string& message);

// Number of this lane in its warp.
int lane_number();

struct Grid {
  const void* function;  // for its name
  dim3 grid_size, block_size;
  size_t shared_bytes;
  std::function<void()> body;  // one thread
  int host_pointer;            // number of an argument that points to memory of the host, or -1
};

// Runs all blocks; empty, or what was wrong.
std::string run_grid(const Grid& grid);

// In a signal handler, when `lane` is set: makes the interrupted lane go to its end, the kernel with it. False where
// the machine's registers are not known.
bool abandon_lane(void* signal_context, const std::string& message);

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_BLOCK_H_
