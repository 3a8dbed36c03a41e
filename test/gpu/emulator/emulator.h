// The emulator's switches and what tests ask it. Set by the environment when first used, or by tests between launches.
//
//   MILLRACE_EMULATED_GPUS     how many GPUs there are (1)
//   MILLRACE_EMULATED_MEMORY   bytes of each (8 GiB)
//   MILLRACE_EMULATED_ORDER    forward | backward | a number, the seed of a shuffle: in which order the blocks of a
//   grid
//                              and the threads of a block run where nothing orders them (forward)
//   MILLRACE_EMULATED_STREAMS  eager | late: whether work runs when it is enqueued or when something waits for it
//   (eager) MILLRACE_EMULATED_GUARD    on | off: whether the host is kept from touching device memory (on)
//   MILLRACE_EMULATED_PEERS    on | off: whether GPUs can reach each other's memory (on)
#ifndef MILLRACE_EMULATOR_EMULATOR_H_
#define MILLRACE_EMULATOR_EMULATOR_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace emulator {

enum class Order { kForward, kBackward, kShuffled };

struct Settings {
  int num_gpus = 1;
  size_t memory_bytes = size_t{8} << 30;
  Order order = Order::kForward;
  uint64_t seed = 0;
  bool late = false;
  bool guard = true;
  bool peers = true;
};

Settings& settings();

// What the last kernel that failed did wrong, with its name; empty if none did.
std::string last_report();
// Forgets reports and errors, as a new process would.
void reset();

// Launches so far, of all threads; graphs count each of their kernels.
uint64_t num_launches();

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_EMULATOR_H_
