// In an all-reduce the owner of a slice reads it from every buffer and writes the result to every buffer: one pass, in
// place, no element touched by two ranks.
#include "comm/thread_comm.h"

#include <algorithm>
#include <cstring>

#include "comm/group_comm.h"
#include "comm/reduce.h"

namespace millrace {

namespace {

constexpr int64_t kChunk = int64_t{1} << 18;  // elements: 1 MiB of f32 stays in cache between its reading and writing

class ThreadComm : public GroupComm {
 public:
  ThreadComm(std::shared_ptr<SlotGroup> group, int rank) : GroupComm(group.get(), rank), group_(std::move(group)) {
    sources_.resize(static_cast<size_t>(num_ranks()));
    destinations_.resize(static_cast<size_t>(num_ranks()));
  }

 private:
  Status perform(Context& context, const Call& call) override {
    switch (call.collective) {
      case Collective::kAllReduce:
        share_reduction(context, call);
        break;
      case Collective::kAllGather:
        for (int peer = 0; peer < num_ranks(); ++peer) {
          copy(context, static_cast<char*>(call.out) + call.buffer_bytes() * static_cast<size_t>(peer),
               call_of_rank(peer).buffer, call.buffer_bytes());
        }
        break;
      case Collective::kReduceScatter: {
        const int64_t share = call.count / num_ranks();
        destinations_[0] = call.out;
        reduce(context, call, 1, rank() * share, ElementRange{rank() * share, (rank() + 1) * share});
        break;
      }
      case Collective::kBroadcast:
        copy(context, call.buffer, call_of_rank(call.root).buffer, call.buffer_bytes());
        break;
      case Collective::kBarrier:
        break;
    }
    return ok();
  }

  // This rank's slice of an all-reduce, for all ranks.
  void share_reduction(Context& context, const Call& call) {
    for (int peer = 0; peer < num_ranks(); ++peer) destinations_[static_cast<size_t>(peer)] = call_of_rank(peer).buffer;
    reduce(context, call, num_ranks(), 0, slice_of(call.count, rank(), num_ranks()));
  }

  void reduce(Context& context, const Call& call, int num_destinations, int64_t offset, ElementRange range) {
    for (int peer = 0; peer < num_ranks(); ++peer) sources_[static_cast<size_t>(peer)] = call_of_rank(peer).buffer;
    for_chunks(context, range.end - range.begin, kChunk / num_ranks(), [&](int64_t from, int64_t to) {
      reduce_range(call.dtype, call.op, sources_.data(), num_ranks(), destinations_.data(), num_destinations, offset,
                   range.begin + from, range.begin + to);
    });
  }

  void copy(Context& context, void* to, const void* from, size_t bytes) {
    if (to == from) return;
    for_chunks(context, static_cast<int64_t>(bytes), kChunk * 4, [&](int64_t begin, int64_t end) {
      std::memmove(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                   static_cast<size_t>(end - begin));
    });
  }

  // body over [0, count) by this rank's threads, one life sign a chunk.
  template <class Body>
  static void for_chunks(Context& context, int64_t count, int64_t chunk, const Body& body) {
    const int64_t num_chunks = (count + chunk - 1) / chunk;
    const auto run = [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        body(i * chunk, std::min((i + 1) * chunk, count));
        if (context.heartbeat != nullptr) context.heartbeat->tick();
      }
    };
    if (context.pool == nullptr || num_chunks <= 1) {
      run(0, num_chunks);
    } else {
      context.pool->parallel_for(num_chunks, 1, run);
    }
  }

  std::shared_ptr<SlotGroup> group_;
  std::vector<const void*> sources_;
  std::vector<void*> destinations_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> create_thread_group(int num_ranks) {
  auto group = std::make_shared<SlotGroup>(num_ranks);
  std::vector<std::unique_ptr<Communicator>> communicators;
  for (int rank = 0; rank < num_ranks; ++rank) communicators.push_back(std::make_unique<ThreadComm>(group, rank));
  return communicators;
}

}  // namespace millrace
