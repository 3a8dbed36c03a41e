// A collective between streams, without a wait on the host for any device and without a wait in a kernel:
//
//   each rank, on its stream            the threads of the ranks
//   record `ready`: buffer is written
//                                       meet: all have recorded `ready`
//   wait for `ready` of all peers
//   reduce own slice of all buffers
//   into all buffers, or copy
//   record `done`
//                                       part: all have recorded `done`
//   wait for `done` of all peers
//
// What follows on a stream finds its results there, and may overwrite what peers have read. A stream only waits for
// events that were recorded before, so no order in which a GPU takes up its streams can lock up. `ready` is recorded
// anew after all peers have parted and `done` after all have met again: by then all that wait for them have been
// enqueued, so one pair of events a rank is enough.
#include <algorithm>
#include <string>

#include "comm/device_comm.h"
#include "comm/device_reduce.h"
#include "comm/group_comm.h"
#include "cuda/runtime.h"

namespace millrace {

namespace {

// Makes a GPU the calling thread's until the end of the scope.
class OnGpu {
 public:
  explicit OnGpu(int gpu) {
    error_ = cudaGetDevice(&before_);
    if (error_ == cudaSuccess) error_ = cudaSetDevice(gpu);
  }
  ~OnGpu() {
    if (error_ == cudaSuccess) (void)cudaSetDevice(before_);
  }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;

  cudaError_t error() const { return error_; }

 private:
  int before_ = 0;
  cudaError_t error_ = cudaSuccess;
};

struct RankEvents {
  cudaEvent_t ready = nullptr;
  cudaEvent_t done = nullptr;
};

class PeerGroup : public SlotGroup {
 public:
  PeerGroup(const std::vector<int>& gpus, const DeviceOrder& order)
      : SlotGroup(static_cast<int>(gpus.size())), gpus_(gpus), order_(order), events_(gpus.size()) {}

  ~PeerGroup() {
    for (size_t rank = 0; rank < gpus_.size(); ++rank) {
      const OnGpu here(gpus_[rank]);
      for (cudaEvent_t event : {events_[rank].ready, events_[rank].done}) {
        if (event != nullptr) (void)cudaEventDestroy(event);
      }
    }
  }

  Status create_events() {
    for (size_t rank = 0; rank < gpus_.size(); ++rank) {
      const OnGpu here(gpus_[rank]);
      MR_CUDA(here.error());
      for (cudaEvent_t* event : {&events_[rank].ready, &events_[rank].done}) {
        MR_CUDA(cudaEventCreateWithFlags(event, cudaEventDisableTiming));
      }
    }
    return ok();
  }

  int gpu(int rank) const { return gpus_[static_cast<size_t>(rank)]; }
  const DeviceOrder& order() const { return order_; }
  const RankEvents& events(int rank) const { return events_[static_cast<size_t>(rank)]; }

 private:
  const std::vector<int> gpus_;
  const DeviceOrder order_;
  std::vector<RankEvents> events_;
};

class DeviceComm : public GroupComm {
 public:
  DeviceComm(std::shared_ptr<PeerGroup> group, int rank) : GroupComm(group.get(), rank), group_(std::move(group)) {}

 private:
  Status prepare(Context& context) override {
    MR_CHECK(context.stream != nullptr && context.stream->gpu == group_->gpu(rank()));
    MR_CHECK(!context.stream->recording);  // a record would not contain the other ranks
    MR_CUDA(cudaEventRecord(group_->events(rank()).ready, context.stream->handle));
    return ok();
  }

  Status perform(Context& context, const Call& call) override {
    if (group_->order().after_writers_of_inputs) MR_RETURN_IF_ERROR(wait_for_peers(context, &RankEvents::ready));
    MR_RETURN_IF_ERROR(enqueue(context, call));
    MR_CUDA(cudaEventRecord(group_->events(rank()).done, context.stream->handle));
    return ok();
  }

  Status finish(Context& context) override {
    return group_->order().before_users_of_results ? wait_for_peers(context, &RankEvents::done) : ok();
  }

  Status wait_for_peers(Context& context, cudaEvent_t RankEvents::*event) {
    for (int peer = 0; peer < num_ranks(); ++peer) {
      if (peer == rank()) continue;
      MR_CUDA(cudaStreamWaitEvent(context.stream->handle, group_->events(peer).*event, 0));
    }
    return ok();
  }

  Status enqueue(Context& context, const Call& call) {
    switch (call.collective) {
      case Collective::kAllReduce:
        for (int peer = 0; peer < num_ranks(); ++peer) reduction_.destinations[peer] = call_of_rank(peer).buffer;
        return reduce(context, call, num_ranks(), 0, slice_of(call.count, rank(), num_ranks()));
      case Collective::kReduceScatter: {
        const int64_t share = call.count / num_ranks();
        reduction_.destinations[0] = call.out;
        return reduce(context, call, 1, rank() * share, ElementRange{rank() * share, (rank() + 1) * share});
      }
      case Collective::kAllGather:
        for (int peer = 0; peer < num_ranks(); ++peer) {
          char* to = static_cast<char*>(call.out) + call.buffer_bytes() * static_cast<size_t>(peer);
          MR_RETURN_IF_ERROR(copy(context, to, call_of_rank(peer).buffer, call.buffer_bytes()));
        }
        return ok();
      case Collective::kBroadcast:
        return copy(context, call.buffer, call_of_rank(call.root).buffer, call.buffer_bytes());
      case Collective::kBarrier:
        return ok();
    }
    return internal_error("a collective without a case");
  }

  Status reduce(Context& context, const Call& call, int num_destinations, int64_t offset, ElementRange range) {
    for (int peer = 0; peer < num_ranks(); ++peer) reduction_.sources[peer] = call_of_rank(peer).buffer;
    reduction_.num_sources = num_ranks();
    reduction_.num_destinations = num_destinations;
    reduction_.op = call.op;
    reduction_.offset = offset;
    reduction_.range = range;
    return enqueue_reduction(*context.stream, call.dtype, reduction_);
  }

  static Status copy(Context& context, void* to, const void* from, size_t bytes) {
    if (to == from || bytes == 0) return ok();
    // Addresses are unified: the runtime sees which GPUs the two belong to.
    MR_CUDA(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, context.stream->handle));
    return ok();
  }

  std::shared_ptr<PeerGroup> group_;
  DeviceReduction reduction_{};
};

// body(from, to) for every two different GPUs that ranks of the group are on.
template <class Body>
Status for_each_pair(std::vector<int> gpus, const Body& body) {
  std::sort(gpus.begin(), gpus.end());
  gpus.erase(std::unique(gpus.begin(), gpus.end()), gpus.end());
  for (const int from : gpus) {
    for (const int to : gpus) {
      if (from != to) MR_RETURN_IF_ERROR(body(from, to));
    }
  }
  return ok();
}

Status enable_peer_access(int from, int to) {
  const OnGpu here(from);
  MR_CUDA(here.error());
  const cudaError_t error = cudaDeviceEnablePeerAccess(to, 0);
  if (error == cudaErrorPeerAccessAlreadyEnabled) {
    (void)cudaGetLastError();  // or the next launch would report it
    return ok();
  }
  return cuda::status_of(error, "cudaDeviceEnablePeerAccess");
}

}  // namespace

Status have_peer_access(const std::vector<int>& gpus, bool* all) {
  *all = true;
  return for_each_pair(gpus, [&](int from, int to) -> Status {
    int can = 0;
    MR_CUDA(cudaDeviceCanAccessPeer(&can, from, to));
    *all = *all && can != 0;
    return ok();
  });
}

Status create_peer_group(const std::vector<int>& gpus, const DeviceOrder& order,
                         std::vector<std::unique_ptr<Communicator>>* communicators) {
  if (gpus.size() > static_cast<size_t>(DeviceReduction::kMostRanks)) {
    return invalid_argument("expected at most " + std::to_string(DeviceReduction::kMostRanks) +
                            " ranks in a group on GPUs, got " + std::to_string(gpus.size()));
  }
  MR_RETURN_IF_ERROR(for_each_pair(gpus, enable_peer_access));
  auto group = std::make_shared<PeerGroup>(gpus, order);
  MR_RETURN_IF_ERROR(group->create_events());
  communicators->clear();
  for (int rank = 0; rank < group->num_ranks(); ++rank) {
    communicators->push_back(std::make_unique<DeviceComm>(group, rank));
  }
  return ok();
}

}  // namespace millrace
