// Ranks that NCCL connects, one on each GPU: threads of one process whose GPUs do not reach each other's memory, or
// processes, of one machine or several.
// The library adds up in an order of its own, which depends on the number of ranks and on the machine, rounds 16-bit
// sums more than once, and its maximum may lose a value that is not a number. With `bits_of_the_tree` it only moves
// parts of buffers, which are added up as comm/reduce.h says: slower, and every context needs its `gathered`.
#ifndef MILLRACE_COMM_NCCL_COMM_H_
#define MILLRACE_COMM_NCCL_COMM_H_

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "comm/call_group.h"
#include "comm/communicator.h"

namespace millrace {

struct NcclLimits {
  std::chrono::milliseconds patience{120'000};  // for connecting, and for taking up one collective
  std::chrono::milliseconds watch_every{200};   // errors of collectives under way are looked for so often
};

// communicators[r] belongs to the thread of rank r, whose GPU is current. The ranks connect in their first collective.
// MR_NO_DEVICE when the library is missing,
// MR_INVALID_ARGUMENT for more than 64 ranks that are to have the bits of the tree.
Status create_nccl_group(int num_ranks, bool bits_of_the_tree, const NcclLimits& limits,
                         std::vector<std::unique_ptr<Communicator>>* communicators);

// What rank 0 of a group has, told to all of its ranks, on the thread of each.
using Teller = std::function<Status(void* bytes, size_t num_bytes)>;

// The communicator of rank `rank` of a group of processes, in which the others are elsewhere: `calls` is how they meet,
// `tell` how they learn what to connect with.
Status create_nccl_member(std::unique_ptr<CallGroup> calls, int rank, Teller tell, bool bits_of_the_tree,
                          const NcclLimits& limits, std::unique_ptr<Communicator>* out);

}  // namespace millrace

#endif  // MILLRACE_COMM_NCCL_COMM_H_
