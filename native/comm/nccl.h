// NCCL, found and loaded at run time: a build links nothing of it, and a machine without it says what is missing. The
// only file through which the library enters. Read-only after loading, shared by all threads.
#ifndef MILLRACE_COMM_NCCL_H_
#define MILLRACE_COMM_NCCL_H_

#include <nccl.h>

#include "core/status.h"

#define MR_NCCL_FUNCTIONS(X) \
  X(GetVersion)              \
  X(GetErrorString)          \
  X(GetLastError)            \
  X(GetUniqueId)             \
  X(CommInitRankConfig)      \
  X(CommGetAsyncError)       \
  X(CommFinalize)            \
  X(CommDestroy)             \
  X(CommAbort)               \
  X(AllReduce)               \
  X(AllGather)               \
  X(ReduceScatter)           \
  X(Broadcast)               \
  X(Send)                    \
  X(Recv)                    \
  X(GroupStart)              \
  X(GroupEnd)

namespace millrace {

// The library's functions under their own names, without the prefix.
struct Nccl {
#define MR_NCCL_MEMBER(name) decltype(&nccl##name) name = nullptr;
  MR_NCCL_FUNCTIONS(MR_NCCL_MEMBER)
#undef MR_NCCL_MEMBER
};

// The library, loaded by the first call; later calls give the same answer. MR_NO_DEVICE names the places where it was
// looked for, or says that it is older than communicators that do not block (2.14).
Status load_nccl(const Nccl** out);

// ok(), or what the library says about a call that failed; `comm` may be null.
Status nccl_status(const Nccl& nccl, ncclResult_t result, ncclComm_t comm, const char* call);

}  // namespace millrace

#endif  // MILLRACE_COMM_NCCL_H_
