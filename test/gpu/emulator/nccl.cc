// An emulated NCCL, as far as communicators that do not block go. It is strict about what the user guide demands: one
// rank on a GPU, no call on a communicator that is still in progress, all ranks finalize before one is destroyed. A
// collective stands in the streams once all ranks have called it and each has asked for its state often enough: the
// rank that called last runs it for all, and the streams of the others wait for that. It adds up rank after rank and
// rounds after each, which is not the order of the product's own communicators. Ranks may be processes, one of them
// here (nccl_processes.h): then a stream waits in its own work for the others'. What stands in a stream when a
// communicator is aborted ends without an error, and leaves numbers behind that look like any.
#include "comm/nccl.h"

#include <nccl.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "emulator/device_memory.h"
#include "emulator/libraries.h"
#include "emulator/nccl_faults.h"
#include "emulator/nccl_processes.h"
#include "emulator/nccl_work.h"
#include "emulator/streams.h"

namespace {

using emulator::nccl::bytes_of;
using emulator::nccl::Kind;
using emulator::nccl::Message;
using emulator::nccl::Part;
using emulator::nccl::Work;

// A collective, as far as ranks have called it.
struct Operation {
  explicit Operation(const Work& asked, size_t num_ranks) : work(asked), ready(num_ranks) {
    work.parts.resize(num_ranks);
  }
  ~Operation() {
    for (cudaEvent_t event : ready) {
      if (event != nullptr) (void)cudaEventDestroy(event);
    }
    if (done != nullptr) (void)cudaEventDestroy(done);
  }

  Work work;
  std::vector<cudaEvent_t> ready;
  size_t arrived = 0;
  cudaEvent_t done = nullptr;
};

// The ranks of one unique id.
struct Clique {
  explicit Clique(int size) : gpus(static_cast<size_t>(size), -1) {}
  std::vector<int> gpus;
  int joined = 0;
  int finalized = 0;
  std::atomic<bool> aborted{false};
  std::shared_ptr<emulator::ProcessClique> processes;  // null where all ranks are threads of this process
  std::map<uint64_t, std::shared_ptr<Operation>> operations;
};

// One lock for all: nothing here is fast.
std::mutex mutex;
std::map<std::string, std::shared_ptr<Clique>> cliques;
uint64_t num_ids = 0;

}  // namespace

struct ncclComm {
  std::shared_ptr<Clique> clique;
  int rank = 0;
  bool connected = false, finalizing = false;
  ncclResult_t state = ncclInProgress;
  int questions = 0;
  uint64_t num_calls = 0;
  std::shared_ptr<Operation> operation;  // called, not yet in the stream
  cudaStream_t stream = nullptr;
};

namespace emulator {

NcclFaults& nccl_faults() {
  static NcclFaults faults;
  return faults;
}

}  // namespace emulator

namespace {

using emulator::nccl_faults;

void begin_waiting(ncclComm_t comm) {
  comm->state = ncclInProgress;
  comm->questions = nccl_faults().questions;
}

bool everyone_finalized(const Clique& clique) {
  std::vector<std::string> said;
  if (clique.processes != nullptr) return clique.processes->heard("finalized", &said);
  return clique.finalized == static_cast<int>(clique.gpus.size());
}

bool everyone_joined(Clique& clique) {
  if (clique.processes == nullptr) return clique.joined == static_cast<int>(clique.gpus.size());
  std::vector<std::string> said;
  if (!clique.processes->heard("joined", &said)) return false;
  for (size_t rank = 0; rank < said.size(); ++rank) clique.gpus[rank] = std::stoi(said[rank]);
  return true;
}

// What a question finds: whether that for which the communicator waits has come about.
bool come_about(ncclComm_t comm) {
  Clique& clique = *comm->clique;
  const int size = static_cast<int>(clique.gpus.size());
  if (comm->operation != nullptr) {
    if (comm->operation->done == nullptr) return false;
    if (cudaStreamWaitEvent(comm->stream, comm->operation->done, 0) != cudaSuccess)
      comm->state = ncclUnhandledCudaError;
    comm->operation.reset();
    return true;
  }
  if (comm->finalizing) return everyone_finalized(clique);
  if (!everyone_joined(clique)) return false;
  for (int a = 0; a < size; ++a) {
    for (int b = 0; b < a; ++b) {
      if (clique.gpus[static_cast<size_t>(a)] == clique.gpus[static_cast<size_t>(b)]) comm->state = ncclInvalidUsage;
    }
  }
  comm->connected = true;
  return true;
}

// The library has ways between GPUs that do not reach each other's memory.
cudaError_t run_here(const Clique& clique, const Work& all) {
  std::vector<std::unique_ptr<emulator::DeviceAccess>> access;
  for (const int gpu : clique.gpus) access.push_back(std::make_unique<emulator::DeviceAccess>(gpu));
  if (!clique.aborted) return run(all) ? cudaSuccess : cudaErrorUnknown;
  for (const Part& part : all.parts) spoil(all, part, all.parts.size());
  return cudaSuccess;
}

ncclResult_t enqueue_for_all(Operation& all, const std::shared_ptr<const Clique>& clique, cudaStream_t stream) {
  bool well = true;
  for (cudaEvent_t event : all.ready) well = well && cudaStreamWaitEvent(stream, event, 0) == cudaSuccess;
  well =
      well && emulator::enqueue(stream, [work = all.work, clique] { return run_here(*clique, work); }) == cudaSuccess;
  well = well && cudaEventCreateWithFlags(&all.done, cudaEventDisableTiming) == cudaSuccess;
  well = well && cudaEventRecord(all.done, stream) == cudaSuccess;
  return well ? ncclInProgress : ncclUnhandledCudaError;
}

// The same collective with copies of what all processes have; this one keeps its own result.
cudaError_t run_across(emulator::ProcessClique& processes, uint64_t number, int gpu, size_t rank, const Work& work,
                       const Part& own) {
  const size_t num_ranks = work.parts.size();
  std::string own_bytes;
  {
    const emulator::DeviceAccess access(gpu);
    own_bytes = sent(work, own, num_ranks);
  }
  std::vector<std::string> all_bytes;
  const emulator::Gathered gathered = processes.gather(number, own_bytes, &all_bytes);
  if (gathered == emulator::Gathered::kNobodyCame) return cudaErrorUnknown;  // the library would wait for ever
  const emulator::DeviceAccess access(gpu);
  if (gathered == emulator::Gathered::kAll) {
    return receive(work, own, rank, all_bytes) ? cudaSuccess : cudaErrorUnknown;
  }
  spoil(work, own, num_ranks);
  return cudaSuccess;
}

ncclResult_t call_across(ncclComm_t comm, const Work& asked, const Part& own, cudaStream_t stream) {
  const auto processes = comm->clique->processes;
  const size_t rank = static_cast<size_t>(comm->rank);
  const int gpu = comm->clique->gpus[rank];
  Work all = asked;
  all.parts.resize(comm->clique->gpus.size());
  const uint64_t number = comm->num_calls++;
  const auto work = [=] { return run_across(*processes, number, gpu, rank, all, own); };
  if (emulator::enqueue(stream, work) != cudaSuccess) return ncclUnhandledCudaError;
  const std::lock_guard lock(mutex);
  comm->operation = std::make_shared<Operation>(asked, 0);
  comm->stream = stream;
  if (cudaEventCreateWithFlags(&comm->operation->done, cudaEventDisableTiming) != cudaSuccess ||
      cudaEventRecord(comm->operation->done, stream) != cudaSuccess) {
    return ncclUnhandledCudaError;
  }
  begin_waiting(comm);
  return ncclInProgress;
}

ncclResult_t call(ncclComm_t comm, const Work& asked, const Part& own, cudaStream_t stream) {
  std::unique_lock lock(mutex);
  if (comm->state != ncclSuccess || !comm->connected || comm->finalizing) return ncclInvalidUsage;
  if (comm->clique->processes != nullptr) {
    lock.unlock();
    return call_across(comm, asked, own, stream);
  }
  const size_t num_ranks = comm->clique->gpus.size();
  std::shared_ptr<Operation>& all = comm->clique->operations[comm->num_calls];
  if (all == nullptr) all = std::make_shared<Operation>(asked, num_ranks);
  if (!all->work.agrees_with(asked)) return ncclInvalidUsage;  // the library would hang
  all->work.parts[static_cast<size_t>(comm->rank)] = own;
  cudaEvent_t& ready = all->ready[static_cast<size_t>(comm->rank)];
  if (cudaEventCreateWithFlags(&ready, cudaEventDisableTiming) != cudaSuccess) return ncclUnhandledCudaError;
  if (cudaEventRecord(ready, stream) != cudaSuccess) return ncclUnhandledCudaError;
  comm->operation = all;
  comm->stream = stream;
  begin_waiting(comm);
  ncclResult_t result = ncclInProgress;
  if (++all->arrived == num_ranks) {
    result = enqueue_for_all(*all, comm->clique, stream);
    comm->clique->operations.erase(comm->num_calls);
  }
  ++comm->num_calls;
  return result;
}

// What a thread has called since ncclGroupStart().
struct Group {
  bool open = false;
  bool wrong = false;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  Part part;
};
thread_local Group group;

ncclResult_t add(std::vector<Message>* messages, const Message& message, ncclComm_t comm, cudaStream_t stream) {
  const int size = static_cast<int>(comm->clique->gpus.size());
  const bool again =
      std::any_of(messages->begin(), messages->end(), [&](const Message& each) { return each.peer == message.peer; });
  const bool other = group.comm != nullptr && (group.comm != comm || group.stream != stream);
  if (!group.open || again || other || message.peer < 0 || message.peer >= size || message.peer == comm->rank) {
    group.wrong = true;
    return ncclInvalidUsage;
  }
  group.comm = comm;
  group.stream = stream;
  messages->push_back(message);
  return ncclSuccess;
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  *version = 23203;
  return ncclSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  switch (result) {
    case ncclSuccess:
      return "no error";
    case ncclInvalidUsage:
      return "invalid usage";
    case ncclRemoteError:
      return "remote process exited or there was a network error";
    default:
      return "another error";
  }
}

const char* ncclGetLastError(ncclComm_t) { return "emulated"; }

ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const std::lock_guard lock(mutex);
  *id = ncclUniqueId{};
  ++num_ids;
  if (nccl_faults().processes) {
    const std::string folder = emulator::ProcessClique::make_folder();
    if (folder.size() >= sizeof(id->internal)) return ncclSystemError;
    std::memcpy(id->internal, folder.data(), folder.size());
  } else {
    std::memcpy(id->internal, &num_ids, sizeof(num_ids));
  }
  return ncclSuccess;
}

ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int num_ranks, ncclUniqueId id, int rank, ncclConfig_t* config) {
  if (config == nullptr || config->magic != 0xcafebeefu || config->size != sizeof(ncclConfig_t)) {
    return ncclInvalidArgument;
  }
  if (config->blocking != 0 || rank < 0 || rank >= num_ranks) return ncclInvalidArgument;
  const std::lock_guard lock(mutex);
  std::shared_ptr<Clique>& clique = cliques[std::string(id.internal, sizeof(id.internal))];
  if (clique == nullptr) clique = std::make_shared<Clique>(num_ranks);
  if (clique->gpus.size() != static_cast<size_t>(num_ranks)) return ncclInvalidArgument;
  if (cudaGetDevice(&clique->gpus[static_cast<size_t>(rank)]) != cudaSuccess) return ncclUnhandledCudaError;
  ++clique->joined;
  if (nccl_faults().processes) {
    clique->processes = std::make_shared<emulator::ProcessClique>(id.internal, rank, num_ranks);
    clique->processes->say("joined", std::to_string(clique->gpus[static_cast<size_t>(rank)]));
  }
  auto* made = new ncclComm;
  made->clique = clique;
  made->rank = rank;
  begin_waiting(made);
  ++nccl_faults().live;
  *comm = made;
  return ncclInProgress;
}

ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* state) {
  const std::lock_guard lock(mutex);
  if (nccl_faults().failing_rank == comm->rank) comm->state = ncclRemoteError;
  if (comm->state == ncclInProgress && !nccl_faults().stalls && comm->questions-- <= 0 && come_about(comm)) {
    if (comm->state == ncclInProgress) comm->state = ncclSuccess;
  }
  *state = comm->state;
  return ncclSuccess;
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  const std::lock_guard lock(mutex);
  if (comm->state != ncclSuccess || comm->finalizing) return ncclInvalidUsage;
  comm->finalizing = true;
  ++comm->clique->finalized;
  if (comm->clique->processes != nullptr) comm->clique->processes->say("finalized", "");
  begin_waiting(comm);
  return ncclInProgress;
}

ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  const std::lock_guard lock(mutex);
  if (!comm->finalizing || comm->state != ncclSuccess) return ncclInvalidUsage;
  --nccl_faults().live;
  ++nccl_faults().destroyed;
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclCommAbort(ncclComm_t comm) {
  const std::lock_guard lock(mutex);
  comm->clique->aborted = true;
  if (comm->clique->processes != nullptr) comm->clique->processes->end();
  --nccl_faults().live;
  ++nccl_faults().aborted;
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  return call(comm, Work{Kind::kAllReduce, count, type, op, 0, {}}, Part{from, to, {}, {}}, stream);
}

ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t stream) {
  return call(comm, Work{Kind::kAllGather, count, type, ncclSum, 0, {}}, Part{from, to, {}, {}}, stream);
}

ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count_of_rank, ncclDataType_t type, ncclRedOp_t op,
                               ncclComm_t comm, cudaStream_t stream) {
  return call(comm, Work{Kind::kReduceScatter, count_of_rank, type, op, 0, {}}, Part{from, to, {}, {}}, stream);
}

ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                           cudaStream_t stream) {
  return call(comm, Work{Kind::kBroadcast, count, type, ncclSum, root, {}}, Part{from, to, {}, {}}, stream);
}

ncclResult_t ncclSend(const void* from, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return add(&group.part.sends, Message{peer, const_cast<void*>(from), count * bytes_of(type)}, comm, stream);
}

ncclResult_t ncclRecv(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm, cudaStream_t stream) {
  return add(&group.part.receives, Message{peer, to, count * bytes_of(type)}, comm, stream);
}

ncclResult_t ncclGroupStart() {
  if (group.open) return ncclInvalidUsage;
  group = Group{};
  group.open = true;
  return ncclSuccess;
}

ncclResult_t ncclGroupEnd() {
  if (!group.open) return ncclInvalidUsage;
  const Group ended = std::exchange(group, Group{});
  if (ended.wrong) return ncclInvalidUsage;
  if (ended.comm == nullptr) return ncclSuccess;
  return call(ended.comm, Work{Kind::kExchange, 0, ncclFloat32, ncclSum, 0, {}}, ended.part, ended.stream);
}

}  // extern "C"

namespace {

#define MR_ENTRY(name) {"nccl" #name, reinterpret_cast<void*>(&nccl##name)},
const emulator::EmulatedLibrary library("libnccl.so.2", {MR_NCCL_FUNCTIONS(MR_ENTRY)});
#undef MR_ENTRY

}  // namespace
