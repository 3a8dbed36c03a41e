// Ranks meet before each collective as those of other communicators do: what they do not agree on never reaches the
// library, and a rank that fails leaves nobody waiting on the device. Should the library itself fail while collectives
// are under way, the group's watch sees it and aborts all communicators, which also ends the kernels that wait for
// peers.
#include "comm/nccl_comm.h"

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "comm/group_comm.h"
#include "comm/nccl_link.h"
#include "cuda/runtime.h"

namespace millrace {

namespace {

ncclDataType_t type_of(DType dtype) {
  switch (dtype) {
    case DType::kF32:
      return ncclFloat32;
    case DType::kF64:
      return ncclFloat64;
    case DType::kBF16:
      return ncclBfloat16;
    case DType::kF16:
      return ncclFloat16;
    case DType::kI32:
      return ncclInt32;
    case DType::kI64:
      return ncclInt64;
  }
  return ncclFloat32;
}

class NcclGroup : public CallGroup {
 public:
  NcclGroup(int num_ranks, const Nccl& nccl, const NcclLimits& limits)
      : CallGroup(num_ranks), nccl_(nccl), limits_(limits) {
    for (int rank = 0; rank < num_ranks; ++rank) {
      links_.push_back(std::make_unique<NcclLink>(nccl, limits.patience));
    }
    watch_ = std::thread([this] { watch(); });
  }

  ~NcclGroup() {
    {
      const std::lock_guard lock(watch_mutex_);
      closing_ = true;
    }
    closing_changed_.notify_one();
    watch_.join();
    for (const auto& link : links_) link->begin_close();
    for (const auto& link : links_) link->end_close();
  }

  const Nccl& nccl() const { return nccl_; }
  NcclLink& link(int rank) { return *links_[static_cast<size_t>(rank)]; }

  // What the ranks of this group connect with. Ranks of several processes would get it from one of them instead.
  Status id(ncclUniqueId* out) {
    std::call_once(id_once_, [this] { id_status_ = NcclLink::make_id(nccl_, &id_); });
    *out = id_;
    return id_status_;
  }

  void end(const Status& reason) {
    rendezvous().poison(reason);
    for (const auto& link : links_) link->abort();
  }

 private:
  void watch() {
    std::unique_lock lock(watch_mutex_);
    while (!closing_changed_.wait_for(lock, limits_.watch_every, [this] { return closing_; })) {
      for (int rank = 0; rank < num_ranks(); ++rank) {
        const Status status = link(rank).check();
        if (status.ok()) continue;
        end(Status(MR_COMM, "rank " + std::to_string(rank) + ": " + status.message()));
        return;
      }
    }
  }

  const Nccl& nccl_;
  const NcclLimits limits_;
  std::vector<std::unique_ptr<NcclLink>> links_;
  std::once_flag id_once_;
  ncclUniqueId id_{};
  Status id_status_;
  std::mutex watch_mutex_;
  std::condition_variable closing_changed_;
  bool closing_ = false;
  std::thread watch_;
};

class NcclComm : public GroupComm {
 public:
  NcclComm(std::shared_ptr<NcclGroup> group, int rank) : GroupComm(group.get(), rank), group_(std::move(group)) {}
  ~NcclComm() override {
    if (token_ != nullptr) (void)cudaFree(token_);
  }

  void abort(const Status& reason) override { group_->end(reason); }

 private:
  Status prepare(Context& context) override {
    MR_CHECK(context.stream != nullptr && !context.stream->recording);
    return ok();
  }

  Status perform(Context& context, const Call& call) override {
    if (!group_->link(rank()).connected()) MR_RETURN_IF_ERROR(connect(context));
    return group_->link(rank()).enqueue("the collective", context.heartbeat,
                                        [&](ncclComm_t comm) { return enqueue(comm, call, context.stream->handle); });
  }

  Status connect(Context& context) {
    MR_CUDA(cudaMalloc(&token_, sizeof(float)));
    MR_CUDA(cudaMemsetAsync(token_, 0, sizeof(float), context.stream->handle));
    ncclUniqueId id;
    MR_RETURN_IF_ERROR(group_->id(&id));
    return group_->link(rank()).connect(id, rank(), num_ranks(), context.heartbeat);
  }

  ncclResult_t enqueue(ncclComm_t comm, const Call& call, cudaStream_t stream) const {
    const Nccl& nccl = group_->nccl();
    const size_t count = static_cast<size_t>(call.count);
    const ncclDataType_t type = type_of(call.dtype);
    const ncclRedOp_t op = call.op == ReduceOp::kSum ? ncclSum : ncclMax;
    switch (call.collective) {
      case Collective::kAllReduce:
        return nccl.AllReduce(call.buffer, call.buffer, count, type, op, comm, stream);
      case Collective::kAllGather:
        return nccl.AllGather(call.buffer, call.out, count, type, comm, stream);
      case Collective::kReduceScatter:
        return nccl.ReduceScatter(call.buffer, call.out, count / static_cast<size_t>(num_ranks()), type, op, comm,
                                  stream);
      case Collective::kBroadcast:
        return nccl.Broadcast(call.buffer, call.buffer, count, type, call.root, comm, stream);
      case Collective::kBarrier:
        return nccl.AllReduce(token_, token_, 1, ncclFloat32, ncclSum, comm, stream);
    }
    return ncclInvalidArgument;
  }

  std::shared_ptr<NcclGroup> group_;
  void* token_ = nullptr;  // one f32 on the rank's GPU: what a barrier moves
};

}  // namespace

Status create_nccl_group(int num_ranks, const NcclLimits& limits,
                         std::vector<std::unique_ptr<Communicator>>* communicators) {
  const Nccl* nccl = nullptr;
  MR_RETURN_IF_ERROR(load_nccl(&nccl));
  auto group = std::make_shared<NcclGroup>(num_ranks, *nccl, limits);
  communicators->clear();
  for (int rank = 0; rank < num_ranks; ++rank) communicators->push_back(std::make_unique<NcclComm>(group, rank));
  return ok();
}

}  // namespace millrace
