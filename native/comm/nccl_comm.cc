// Ranks meet before each collective as those of other communicators do: what they do not agree on never reaches the
// library, and a rank that fails leaves nobody waiting on the device. Should the library itself fail while collectives
// are under way, the group's watch sees it and aborts all communicators, which also ends the kernels that wait for
// peers.
#include "comm/nccl_comm.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "comm/group_comm.h"
#include "comm/nccl_link.h"
#include "comm/nccl_tree.h"
#include "cuda/runtime.h"

namespace millrace {

namespace {

// The ranks of a group that are in this process: all, or one.
class NcclGroup {
 public:
  // `tell` is empty where all are.
  NcclGroup(std::unique_ptr<CallGroup> calls, const std::vector<int>& ranks_here, Teller tell, const Nccl& nccl,
            const NcclLimits& limits)
      : calls_(std::move(calls)), tell_(std::move(tell)), nccl_(nccl), limits_(limits) {
    for (const int rank : ranks_here) links_[rank] = std::make_unique<NcclLink>(nccl, limits.patience);
    watch_ = std::thread([this] { watch(); });
  }

  // Under the watch still: the library would wait for a rank that ends the group meanwhile.
  ~NcclGroup() {
    if (calls_->poisoned()) end(calls_->reason());
    for (const auto& [rank, link] : links_) link->begin_close();
    for (const auto& [rank, link] : links_) link->end_close();
    {
      const std::lock_guard lock(watch_mutex_);
      closed_ = true;
    }
    closed_changed_.notify_one();
    watch_.join();
  }

  const Nccl& nccl() const { return nccl_; }
  CallGroup* calls() { return calls_.get(); }
  NcclLink& link(int rank) { return *links_.at(rank); }

  // What the ranks of this group connect with, made by one of them.
  Status id(int rank, ncclUniqueId* out) {
    if (tell_) {
      if (rank == 0) MR_RETURN_IF_ERROR(NcclLink::make_id(nccl_, out));
      return tell_(out, sizeof(*out));
    }
    std::call_once(id_once_, [this] { id_status_ = NcclLink::make_id(nccl_, &id_); });
    *out = id_;
    return id_status_;
  }

  void end(const Status& reason) {
    calls_->poison(reason);
    for (const auto& [rank, link] : links_) link->abort();
  }

 private:
  void watch() {
    std::unique_lock lock(watch_mutex_);
    while (!closed_changed_.wait_for(lock, limits_.watch_every, [this] { return closed_; })) {
      // A rank of another process has given up, while one of this may be waiting for its device.
      if (calls_->poisoned()) return end(calls_->reason());
      for (const auto& [rank, link] : links_) {
        const Status status = link->check();
        if (status.ok()) continue;
        return end(Status(MR_COMM, "rank " + std::to_string(rank) + ": " + status.message()));
      }
    }
  }

  const std::unique_ptr<CallGroup> calls_;
  const Teller tell_;
  const Nccl& nccl_;
  const NcclLimits limits_;
  std::map<int, std::unique_ptr<NcclLink>> links_;  // by rank
  std::once_flag id_once_;
  ncclUniqueId id_{};
  Status id_status_;
  std::mutex watch_mutex_;
  std::condition_variable closed_changed_;
  bool closed_ = false;
  std::thread watch_;
};

class NcclComm : public GroupComm {
 public:
  NcclComm(std::shared_ptr<NcclGroup> group, int rank, bool bits_of_the_tree)
      : GroupComm(group->calls(), rank),
        group_(std::move(group)),
        bits_of_the_tree_(bits_of_the_tree && num_ranks() > 1),
        tree_(group_->nccl(), group_->link(rank), rank, num_ranks()) {}
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
    if (bits_of_the_tree_ && call.collective == Collective::kAllReduce) return tree_.all_reduce(context, call);
    if (bits_of_the_tree_ && call.collective == Collective::kReduceScatter) return tree_.reduce_scatter(context, call);
    return group_->link(rank()).enqueue("the collective", context.heartbeat,
                                        [&](ncclComm_t comm) { return enqueue(comm, call, context.stream->handle); });
  }

  Status connect(Context& context) {
    MR_CUDA(cudaMalloc(&token_, sizeof(float)));
    MR_CUDA(cudaMemsetAsync(token_, 0, sizeof(float), context.stream->handle));
    ncclUniqueId id{};
    MR_RETURN_IF_ERROR(group_->id(rank(), &id));
    return group_->link(rank()).connect(id, rank(), num_ranks(), context.heartbeat);
  }

  ncclResult_t enqueue(ncclComm_t comm, const Call& call, cudaStream_t stream) const {
    const Nccl& nccl = group_->nccl();
    const size_t count = static_cast<size_t>(call.count);
    const ncclDataType_t type = nccl_type(call.dtype);
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
  const bool bits_of_the_tree_;
  NcclTree tree_;
  void* token_ = nullptr;  // one f32 on the rank's GPU: what a barrier moves
};

Status check_size(int num_ranks, bool bits_of_the_tree) {
  if (!bits_of_the_tree || num_ranks <= DeviceReduction::kMostRanks) return ok();
  return invalid_argument("expected at most " + std::to_string(DeviceReduction::kMostRanks) +
                          " ranks in a group for verify_parallel on GPUs, got " + std::to_string(num_ranks));
}

}  // namespace

Status create_nccl_group(int num_ranks, bool bits_of_the_tree, const NcclLimits& limits,
                         std::vector<std::unique_ptr<Communicator>>* communicators) {
  MR_RETURN_IF_ERROR(check_size(num_ranks, bits_of_the_tree));
  const Nccl* nccl = nullptr;
  MR_RETURN_IF_ERROR(load_nccl(&nccl));
  std::vector<int> ranks;
  for (int rank = 0; rank < num_ranks; ++rank) ranks.push_back(rank);
  auto group = std::make_shared<NcclGroup>(std::make_unique<SlotGroup>(num_ranks), ranks, Teller(), *nccl, limits);
  communicators->clear();
  for (const int rank : ranks) communicators->push_back(std::make_unique<NcclComm>(group, rank, bits_of_the_tree));
  return ok();
}

Status create_nccl_member(std::unique_ptr<CallGroup> calls, int rank, Teller tell, bool bits_of_the_tree,
                          const NcclLimits& limits, std::unique_ptr<Communicator>* out) {
  MR_RETURN_IF_ERROR(check_size(calls->num_ranks(), bits_of_the_tree));
  const Nccl* nccl = nullptr;
  MR_RETURN_IF_ERROR(load_nccl(&nccl));
  auto group = std::make_shared<NcclGroup>(std::move(calls), std::vector<int>{rank}, std::move(tell), *nccl, limits);
  *out = std::make_unique<NcclComm>(std::move(group), rank, bits_of_the_tree);
  return ok();
}

}  // namespace millrace
