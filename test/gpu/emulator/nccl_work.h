// What a collective of the emulated NCCL does with the memory of its ranks, once all of it can be reached.
#ifndef MILLRACE_EMULATOR_NCCL_WORK_H_
#define MILLRACE_EMULATOR_NCCL_WORK_H_

#include <nccl.h>

#include <cstddef>
#include <string>
#include <vector>

namespace emulator::nccl {

// kExchange: what stands between ncclGroupStart() and ncclGroupEnd().
enum class Kind { kAllReduce, kAllGather, kReduceScatter, kBroadcast, kExchange };

// At most one from a rank to another in an exchange.
struct Message {
  int peer;
  void* data;
  size_t bytes;
};

// A rank's own.
struct Part {
  const void* from = nullptr;
  void* to = nullptr;
  std::vector<Message> sends, receives;  // of an exchange, which has no other buffers
};

struct Work {
  Kind kind;
  size_t count;
  ncclDataType_t type;
  ncclRedOp_t op;
  int root;
  std::vector<Part> parts;  // by rank

  bool agrees_with(const Work& other) const {
    return kind == other.kind && count == other.count && type == other.type && op == other.op && root == other.root;
  }
};

size_t bytes_of(ncclDataType_t type);
size_t bytes_received(const Work& work, size_t num_ranks);

// All ranks' parts, in one memory. False when what is sent is not what is received: the library would hang.
bool run(const Work& work);

// The same in two, for ranks that do not see each other's memory: what a rank sends, and what it keeps of what all
// sent.
std::string sent(const Work& work, const Part& own, size_t num_ranks);
bool receive(Work work, const Part& own, size_t rank, const std::vector<std::string>& sent);

// What an aborted collective leaves: numbers like any, finite and positive in every format.
void spoil(const Work& work, const Part& own, size_t num_ranks);

}  // namespace emulator::nccl

#endif  // MILLRACE_EMULATOR_NCCL_WORK_H_
