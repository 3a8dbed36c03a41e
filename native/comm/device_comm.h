// Ranks as threads of one process whose tensors lie on GPUs that reach each other's memory: several ranks on one GPU,
// or on several with peer access. Sums have the bits of comm/thread_comm.h.
#ifndef MILLRACE_COMM_DEVICE_COMM_H_
#define MILLRACE_COMM_DEVICE_COMM_H_

#include <memory>
#include <vector>

#include "comm/communicator.h"

namespace millrace {

// What the stream of a rank waits for in a collective, so that a test can leave out one and see wrong results. Product
// code always uses the defaults.
struct DeviceOrder {
  bool after_writers_of_inputs = true;  // before it reads a peer's buffer
  bool before_users_of_results = true;  // before it goes on: peers read its buffer and write to it
};

// Whether every GPU of `gpus` reaches the memory of all others; two ranks on one GPU do.
Status have_peer_access(const std::vector<int>& gpus, bool* all);

// communicators[r] belongs to the thread of rank r, which enqueues on a stream of GPU gpus[r]. At most 64 ranks. Lets
// every GPU reach the others' memory. The group lives as long as any of its communicators.
Status create_peer_group(const std::vector<int>& gpus, const DeviceOrder& order,
                         std::vector<std::unique_ptr<Communicator>>* communicators);

}  // namespace millrace

#endif  // MILLRACE_COMM_DEVICE_COMM_H_
