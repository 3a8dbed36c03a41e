// The processes of a run, where ranks are processes: this one's place among them and its communicators. The one place
// of this folder that knows of MPI; in builds without it every call says so.
#ifndef MILLRACE_API_PROCESSES_H_
#define MILLRACE_API_PROCESSES_H_

#include <memory>
#include <vector>

#include "comm/communicator.h"
#include "core/ops.h"
#include "core/status.h"
#include "millrace/processes.h"

namespace millrace {

// MR_INVALID_ARGUMENT when this process has not joined the others.
Status find_process(mr_process* out);

// This process's end of a group of those ranks, whose devices run `ops`; null when it is none of them. All processes
// create all groups in the same order. `bits_of_the_tree` as in api/backend.h.
Status create_process_member(const OpTable& ops, const std::vector<int>& ranks, bool bits_of_the_tree,
                             std::unique_ptr<Communicator>* out);
// The same for tensors in the memory of these machines, whatever computes.
Status create_host_member(const std::vector<int>& ranks, std::unique_ptr<Communicator>* out);

}  // namespace millrace

#endif  // MILLRACE_API_PROCESSES_H_
