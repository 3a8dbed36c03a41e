// Implements millrace/processes.h.
#include "api/processes.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "api/guard.h"

#if defined(MILLRACE_MPI)
#include "comm/mpi_comm.h"
#if defined(MILLRACE_CUDA)
#include "comm/nccl_comm.h"
#include "core/backend.h"
#endif
#endif

namespace millrace {

#if defined(MILLRACE_MPI)

namespace {

// All processes as one group, and what was told last. Freed by nobody: a process may end in the midst of anything.
struct Joined {
  explicit Joined(MpiWorld& of) : world(of), all(of, everyone(of.num_ranks())) {}

  static std::vector<int> everyone(int num_ranks) {
    std::vector<int> ranks;
    for (int rank = 0; rank < num_ranks; ++rank) ranks.push_back(rank);
    return ranks;
  }

  MpiWorld& world;
  MpiGroup all;
  std::string told;
};

Joined* joined = nullptr;

constexpr const char* kReason = "";

Status join(mr_process* out) {
  MpiWorld* world = nullptr;
  MR_RETURN_IF_ERROR(MpiWorld::join(&world));
  if (joined == nullptr) joined = new Joined(*world);
  return find_process(out);
}

Status tell(std::string_view text, const char** out, size_t* out_bytes) {
  mr_process process;
  MR_RETURN_IF_ERROR(find_process(&process));
  uint64_t size = text.size();
  MR_RETURN_IF_ERROR(joined->all.tell(&size, sizeof(size), 0));
  if (size > MpiTransfer::kMost) return invalid_argument("expected less than 1 GiB for text");
  joined->told.assign(process.rank == 0 ? text : std::string_view());
  joined->told.resize(size);
  MR_RETURN_IF_ERROR(joined->all.tell(joined->told.data(), size, 0));
  *out = joined->told.data();
  *out_bytes = size;
  return ok();
}

Status leave(bool finished) { return joined == nullptr ? ok() : joined->world.leave(finished); }

bool on_gpu(const OpTable& ops) { return std::string_view(ops.name) == "cuda"; }

#if defined(MILLRACE_CUDA)
Status check_gpus(int num_processes) {
  std::string why;
  const int num_gpus = cuda_device_count(&why);
  if (num_gpus >= num_processes) return ok();
  return Status(MR_NO_DEVICE, "expected a GPU for each of the " + std::to_string(num_processes) +
                                  " processes of this machine, for NCCL connects no two on one, got " +
                                  std::to_string(num_gpus));
}

Status create_gpu_member(std::unique_ptr<MpiGroup> group, bool bits_of_the_tree, std::unique_ptr<Communicator>* out) {
  MpiGroup& calls = *group;
  const auto tell = [&calls](void* bytes, size_t num_bytes) { return calls.tell(bytes, num_bytes, 0); };
  return create_nccl_member(std::move(group), calls.rank(), tell, bits_of_the_tree, NcclLimits{}, out);
}
#else
Status check_gpus(int) { return ok(); }
Status create_gpu_member(std::unique_ptr<MpiGroup>, bool, std::unique_ptr<Communicator>*) {
  return Status(MR_NO_DEVICE, "this build has no CUDA; configure it with MILLRACE_CUDA=ON");
}
#endif

bool is_member(const std::vector<int>& ranks) {
  return std::find(ranks.begin(), ranks.end(), joined->world.rank()) != ranks.end();
}

}  // namespace

Status find_process(mr_process* out) {
  if (joined == nullptr) return invalid_argument("expected this process to have joined the others, it has not");
  const MpiWorld& world = joined->world;
  *out = mr_process{world.rank(), world.num_ranks(), world.local_rank(), world.num_local_ranks()};
  return ok();
}

Status create_host_member(const std::vector<int>& ranks, std::unique_ptr<Communicator>* out) {
  out->reset();
  if (is_member(ranks)) {
    *out = create_mpi_member(joined->world, ranks);
  } else {
    joined->world.next_group();
  }
  return ok();
}

Status create_process_member(const OpTable& ops, const std::vector<int>& ranks, bool bits_of_the_tree,
                             std::unique_ptr<Communicator>* out) {
  if (!on_gpu(ops)) return create_host_member(ranks, out);
  // Whoever is in the group or not: processes that refuse have numbered as many groups.
  MR_RETURN_IF_ERROR(check_gpus(joined->world.num_local_ranks()));
  out->reset();
  if (is_member(ranks)) {
    return create_gpu_member(std::make_unique<MpiGroup>(joined->world, ranks), bits_of_the_tree, out);
  }
  joined->world.next_group();
  return ok();
}

#else

namespace {

constexpr const char* kReason = "this build has no MPI; configure it with MILLRACE_MPI=ON";

Status no_mpi() { return Status(MR_COMM, kReason); }
Status join(mr_process*) { return no_mpi(); }
Status tell(std::string_view, const char**, size_t*) { return no_mpi(); }
Status leave(bool) { return ok(); }

}  // namespace

Status find_process(mr_process*) { return no_mpi(); }
Status create_host_member(const std::vector<int>&, std::unique_ptr<Communicator>*) { return no_mpi(); }
Status create_process_member(const OpTable&, const std::vector<int>&, bool, std::unique_ptr<Communicator>*) {
  return no_mpi();
}

#endif

}  // namespace millrace

extern "C" {

const char* mr_processes_reason(void) { return millrace::kReason; }

mr_code mr_processes_join(mr_process* out) {
  return millrace::guarded([&]() -> millrace::Status {
    MR_RETURN_IF_ERROR(millrace::not_null(out, "out"));
    return millrace::join(out);
  });
}

mr_code mr_processes_tell(const char* text, size_t num_bytes, const char** out, size_t* out_bytes) {
  return millrace::guarded([&]() -> millrace::Status {
    MR_RETURN_IF_ERROR(millrace::not_null(text, "text"));
    MR_RETURN_IF_ERROR(millrace::not_null(out, "out"));
    MR_RETURN_IF_ERROR(millrace::not_null(out_bytes, "out_bytes"));
    return millrace::tell(std::string_view(text, num_bytes), out, out_bytes);
  });
}

mr_code mr_processes_leave(int32_t finished) {
  return millrace::guarded([&]() -> millrace::Status { return millrace::leave(finished != 0); });
}

}  // extern "C"
