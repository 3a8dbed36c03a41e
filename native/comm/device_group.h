// The communicator for ranks as threads of one process whose tensors lie on GPUs, by what the GPUs can do. Defined only
// in builds with CUDA (MILLRACE_CUDA).
#ifndef MILLRACE_COMM_DEVICE_GROUP_H_
#define MILLRACE_COMM_DEVICE_GROUP_H_

#include <memory>
#include <vector>

#include "comm/communicator.h"

namespace millrace {

// Rank r enqueues on GPU gpus[r]. GPUs that reach each other's memory are joined by comm/device_comm.h, others by
// comm/nccl_comm.h: then there is at most one rank on each (else MR_NO_DEVICE), and sums have the bits that the tree
// gives only if `bits_of_the_tree` asks for them.
Status create_device_group(const std::vector<int>& gpus, bool bits_of_the_tree,
                           std::vector<std::unique_ptr<Communicator>>* communicators);

}  // namespace millrace

#endif  // MILLRACE_COMM_DEVICE_GROUP_H_
