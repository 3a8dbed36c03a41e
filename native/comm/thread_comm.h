// Ranks as threads of one process: a group of communicators over shared memory.
#ifndef MILLRACE_COMM_THREAD_COMM_H_
#define MILLRACE_COMM_THREAD_COMM_H_

#include <memory>
#include <vector>

#include "comm/communicator.h"

namespace millrace {

// communicators[r] belongs to the thread of rank r. The group lives as long as any of them.
std::vector<std::unique_ptr<Communicator>> create_thread_group(int num_ranks);

}  // namespace millrace

#endif  // MILLRACE_COMM_THREAD_COMM_H_
