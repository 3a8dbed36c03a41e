// An emulated NCCL, as far as communicators that do not block go. It is strict about what the user guide demands: one
// rank on a GPU, no call on a communicator that is still in progress, all ranks finalize before one is destroyed. A
// collective stands in the streams once all ranks have called it and each has asked for its state often enough: the
// rank that called last runs it for all, and the streams of the others wait for that. It adds up rank after rank and
// rounds after each, which is not the order of the product's own communicators. Ranks may be processes, one of them
// here (nccl_processes.h): then a stream waits in its own work for the others'.
#include "comm/nccl.h"

#include <nccl.h>

#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/half.h"
#include "emulator/device_memory.h"
#include "emulator/libraries.h"
#include "emulator/nccl_faults.h"
#include "emulator/nccl_processes.h"
#include "emulator/streams.h"

namespace {

using millrace::BFloat16;
using millrace::Float16;

enum class Kind { kAllReduce, kAllGather, kReduceScatter, kBroadcast };

struct Part {
  const void* from = nullptr;
  void* to = nullptr;
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

size_t bytes_of(ncclDataType_t type) {
  switch (type) {
    case ncclFloat16:
    case ncclBfloat16:
      return 2;
    case ncclInt32:
    case ncclFloat32:
      return 4;
    case ncclInt64:
    case ncclFloat64:
      return 8;
  }
  return 0;
}

template <class T>
void reduce(const Work& all, size_t begin, size_t count, std::vector<char>* out) {
  out->resize(count * sizeof(T));
  T* to = reinterpret_cast<T*>(out->data());
  for (size_t i = 0; i < count; ++i) {
    T value = static_cast<const T*>(all.parts[0].from)[begin + i];
    for (size_t r = 1; r < all.parts.size(); ++r) {
      const T next = static_cast<const T*>(all.parts[r].from)[begin + i];
      if (all.op == ncclSum) {
        value = T(value + next);
      } else if (next > value) {
        value = next;
      }
    }
    to[i] = value;
  }
}

void reduce(const Work& all, size_t begin, size_t count, std::vector<char>* out) {
  switch (all.type) {
    case ncclFloat16:
      return reduce<Float16>(all, begin, count, out);
    case ncclBfloat16:
      return reduce<BFloat16>(all, begin, count, out);
    case ncclInt32:
      return reduce<int32_t>(all, begin, count, out);
    case ncclFloat32:
      return reduce<float>(all, begin, count, out);
    case ncclInt64:
      return reduce<int64_t>(all, begin, count, out);
    case ncclFloat64:
      return reduce<double>(all, begin, count, out);
  }
}

void run(const Work& all) {
  const size_t bytes = all.count * bytes_of(all.type);
  std::vector<char> result;
  switch (all.kind) {
    case Kind::kAllReduce:
      reduce(all, 0, all.count, &result);
      for (const Part& part : all.parts) std::memcpy(part.to, result.data(), bytes);
      return;
    case Kind::kReduceScatter:
      // The results first: a rank may receive into what it sends.
      reduce(all, 0, all.count * all.parts.size(), &result);
      for (size_t r = 0; r < all.parts.size(); ++r) std::memcpy(all.parts[r].to, result.data() + r * bytes, bytes);
      return;
    case Kind::kAllGather:
      for (const Part& part : all.parts) {
        result.insert(result.end(), static_cast<const char*>(part.from), static_cast<const char*>(part.from) + bytes);
      }
      for (const Part& part : all.parts) std::memcpy(part.to, result.data(), result.size());
      return;
    case Kind::kBroadcast:
      for (const Part& part : all.parts) {
        std::memmove(part.to, all.parts[static_cast<size_t>(all.root)].from, bytes);
      }
      return;
  }
}

// The library has ways between GPUs that do not reach each other's memory.
cudaError_t run_on(const std::vector<int>& gpus, const Work& all) {
  std::vector<std::unique_ptr<emulator::DeviceAccess>> access;
  for (const int gpu : gpus) access.push_back(std::make_unique<emulator::DeviceAccess>(gpu));
  run(all);
  return cudaSuccess;
}

// The ranks of one unique id.
struct Clique {
  explicit Clique(int size) : gpus(static_cast<size_t>(size), -1) {}
  std::vector<int> gpus;
  int joined = 0;
  int finalized = 0;
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

ncclResult_t enqueue_for_all(Operation& all, const std::vector<int>& gpus, cudaStream_t stream) {
  bool well = true;
  for (cudaEvent_t event : all.ready) well = well && cudaStreamWaitEvent(stream, event, 0) == cudaSuccess;
  well = well && emulator::enqueue(stream, [work = all.work, gpus] { return run_on(gpus, work); }) == cudaSuccess;
  well = well && cudaEventCreateWithFlags(&all.done, cudaEventDisableTiming) == cudaSuccess;
  well = well && cudaEventRecord(all.done, stream) == cudaSuccess;
  return well ? ncclInProgress : ncclUnhandledCudaError;
}

size_t bytes_sent(const Work& work, size_t num_ranks) {
  return work.count * bytes_of(work.type) * (work.kind == Kind::kReduceScatter ? num_ranks : 1);
}
size_t bytes_received(const Work& work, size_t num_ranks) {
  return work.count * bytes_of(work.type) * (work.kind == Kind::kAllGather ? num_ranks : 1);
}

// The same collective with copies of what all processes have; this one keeps its own result.
cudaError_t run_across(emulator::ProcessClique& processes, uint64_t number, int gpu, size_t rank, Work all,
                       const Part& own) {
  const size_t num_ranks = all.parts.size();
  std::string sent(bytes_sent(all, num_ranks), '\0');
  {
    const emulator::DeviceAccess access(gpu);
    std::memcpy(sent.data(), own.from, sent.size());
  }
  std::vector<std::string> from;
  if (!processes.gather(number, sent, &from)) return cudaErrorUnknown;
  std::vector<std::string> to(num_ranks, std::string(bytes_received(all, num_ranks), '\0'));
  for (size_t r = 0; r < num_ranks; ++r) all.parts[r] = Part{from[r].data(), to[r].data()};
  run(all);
  const emulator::DeviceAccess access(gpu);
  std::memcpy(own.to, to[rank].data(), to[rank].size());
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
    result = enqueue_for_all(*all, comm->clique->gpus, stream);
    comm->clique->operations.erase(comm->num_calls);
  }
  ++comm->num_calls;
  return result;
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
  if (comm->clique->processes != nullptr) comm->clique->processes->end();
  --nccl_faults().live;
  ++nccl_faults().aborted;
  delete comm;
  return ncclSuccess;
}

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type, ncclRedOp_t op,
                           ncclComm_t comm, cudaStream_t stream) {
  return call(comm, Work{Kind::kAllReduce, count, type, op, 0, {}}, Part{from, to}, stream);
}

ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type, ncclComm_t comm,
                           cudaStream_t stream) {
  return call(comm, Work{Kind::kAllGather, count, type, ncclSum, 0, {}}, Part{from, to}, stream);
}

ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count_of_rank, ncclDataType_t type, ncclRedOp_t op,
                               ncclComm_t comm, cudaStream_t stream) {
  return call(comm, Work{Kind::kReduceScatter, count_of_rank, type, op, 0, {}}, Part{from, to}, stream);
}

ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                           cudaStream_t stream) {
  return call(comm, Work{Kind::kBroadcast, count, type, ncclSum, root, {}}, Part{from, to}, stream);
}

}  // extern "C"

namespace {

#define MR_ENTRY(name) {"nccl" #name, reinterpret_cast<void*>(&nccl##name)},
const emulator::EmulatedLibrary library("libnccl.so.2", {MR_NCCL_FUNCTIONS(MR_ENTRY)});
#undef MR_ENTRY

}  // namespace
