// Ranks as threads of one process, one on each GPU, that NCCL connects: where GPUs do not reach each other's memory.
// The library adds up in an order of its own, which depends on the number of ranks and on the machine, rounds 16-bit
// sums more than once, and its maximum may lose a value that is not a number.
#ifndef MILLRACE_COMM_NCCL_COMM_H_
#define MILLRACE_COMM_NCCL_COMM_H_

#include <chrono>
#include <memory>
#include <vector>

#include "comm/communicator.h"

namespace millrace {

struct NcclLimits {
  std::chrono::milliseconds patience{120'000};  // for connecting, and for taking up one collective
  std::chrono::milliseconds watch_every{200};   // errors of collectives under way are looked for so often
};

// communicators[r] belongs to the thread of rank r, whose GPU is current. The ranks connect in their first collective.
// MR_NO_DEVICE when the library is missing.
Status create_nccl_group(int num_ranks, const NcclLimits& limits,
                         std::vector<std::unique_ptr<Communicator>>* communicators);

}  // namespace millrace

#endif  // MILLRACE_COMM_NCCL_COMM_H_
