// Every rank publishes its call in its slot and meets the others; then all compare the same slots, so all come to the
// same verdict. In an all-reduce the owner of a slice reads it from every buffer and writes the result to every buffer:
// one pass, in place, no element touched by two ranks.
#include "comm/thread_comm.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "comm/reduce.h"
#include "comm/rendezvous.h"

namespace millrace {

namespace {

enum class Collective : uint8_t { kAllReduce, kAllGather, kReduceScatter, kBroadcast, kBarrier };

// What a rank asks for; the same on all ranks but for the pointers.
struct Call {
  Collective collective = Collective::kBarrier;
  ReduceOp op = ReduceOp::kSum;
  DType dtype = DType::kF32;
  int64_t count = 0;  // elements of `buffer`
  int root = 0;
  const char* operation = "";
  void* buffer = nullptr;
  void* out = nullptr;
};

struct alignas(64) Slot {
  Call call;
};

struct Group {
  explicit Group(int size) : num_ranks(size), slots(static_cast<size_t>(size)), rendezvous(size) {}
  const int num_ranks;
  std::vector<Slot> slots;
  Rendezvous rendezvous;
};

constexpr int64_t kChunk = int64_t{1} << 18;  // elements: 1 MiB of f32 stays in cache between its reading and writing
constexpr int64_t kLine = 64;                 // elements: slices of two ranks never share a cache line

const char* name_of(Collective collective) {
  switch (collective) {
    case Collective::kAllReduce:
      return "all_reduce";
    case Collective::kAllGather:
      return "all_gather";
    case Collective::kReduceScatter:
      return "reduce_scatter";
    case Collective::kBroadcast:
      return "broadcast";
    case Collective::kBarrier:
      return "barrier";
  }
  return "";
}

const char* name_of(DType dtype) {
  static const char* const names[] = {"f32", "f64", "bf16", "f16", "i32", "i64"};
  return names[static_cast<int>(dtype)];
}

std::string describe(const Call& call) {
  std::string text = name_of(call.collective);
  if (call.collective == Collective::kAllReduce) text += call.op == ReduceOp::kSum ? " sum" : " max";
  if (call.collective == Collective::kBroadcast) text += " from rank " + std::to_string(call.root);
  if (call.collective != Collective::kBarrier) {
    text += " of " + std::to_string(call.count) + " " + name_of(call.dtype);
  }
  return text + " in \"" + call.operation + "\"";
}

bool agree(const Call& a, const Call& b) {
  return a.collective == b.collective && a.op == b.op && a.dtype == b.dtype && a.count == b.count && a.root == b.root &&
         std::strcmp(a.operation, b.operation) == 0;
}

class ThreadComm : public Communicator {
 public:
  ThreadComm(std::shared_ptr<Group> group, int rank) : group_(std::move(group)), rank_(rank) {
    sources_.resize(static_cast<size_t>(group_->num_ranks));
    destinations_.resize(static_cast<size_t>(group_->num_ranks));
  }

  int rank() const override { return rank_; }
  int num_ranks() const override { return group_->num_ranks; }
  uint64_t num_collectives() const override { return num_collectives_; }
  void abort(const Status& reason) override { group_->rendezvous.poison(reason); }

  Status all_reduce(Context& context, Tensor buffer, ReduceOp op, const char* operation, Event* done) override {
    Call call = call_of(Collective::kAllReduce, buffer, operation);
    call.op = op;
    return collective(context, call, done, [&] { share_reduction(context, call); });
  }

  Status all_gather(Context& context, Tensor out, Tensor buffer, const char* operation, Event* done) override {
    Call call = call_of(Collective::kAllGather, buffer, operation);
    call.out = out.data;
    if (out.dtype != buffer.dtype || out.num_elements() != buffer.num_elements() * num_ranks()) {
      return fail(call, std::to_string(buffer.num_elements() * num_ranks()), out);
    }
    return collective(context, call, done, [&] {
      for (int peer = 0; peer < num_ranks(); ++peer) {
        copy(context, static_cast<char*>(call.out) + buffer.size_bytes() * static_cast<size_t>(peer),
             call_of_rank(peer).buffer, buffer.size_bytes());
      }
    });
  }

  Status reduce_scatter(Context& context, Tensor out, Tensor buffer, const char* operation, Event* done) override {
    Call call = call_of(Collective::kReduceScatter, buffer, operation);
    call.out = out.data;
    const int64_t share = buffer.num_elements() / num_ranks();
    if (out.dtype != buffer.dtype || share * num_ranks() != buffer.num_elements() || out.num_elements() != share) {
      return fail(call, "1/" + std::to_string(num_ranks()) + " of " + std::to_string(buffer.num_elements()), out);
    }
    return collective(context, call, done, [&] {
      const int64_t begin = rank_ * share;
      destinations_[0] = call.out;
      reduce(context, call, 1, begin, begin, begin + share);
    });
  }

  Status broadcast(Context& context, Tensor buffer, int root, const char* operation, Event* done) override {
    Call call = call_of(Collective::kBroadcast, buffer, operation);
    call.root = root;
    if (root < 0 || root >= num_ranks()) return fail(call, "a root below " + std::to_string(num_ranks()), buffer);
    return collective(context, call, done, [&] {
      if (rank_ != root) copy(context, call.buffer, call_of_rank(root).buffer, buffer.size_bytes());
    });
  }

  Status barrier(Context& context, const char* operation) override {
    Call call;
    call.operation = operation;
    return collective(context, call, nullptr, [] {});
  }

 private:
  static Call call_of(Collective collective, const Tensor& buffer, const char* operation) {
    Call call;
    call.collective = collective;
    call.dtype = buffer.dtype;
    call.count = buffer.num_elements();
    call.operation = operation;
    call.buffer = buffer.data;
    return call;
  }
  const Call& call_of_rank(int rank) const { return group_->slots[static_cast<size_t>(rank)].call; }

  // A call that is wrong by itself: the peers must hear of it, or they would wait for ever.
  Status fail(const Call& call, const std::string& expected, const Tensor& got) {
    const Status reason(MR_COMM, "expected " + expected + " elements of " + name_of(call.dtype) + " for rank " +
                                     std::to_string(rank_) + " of " + describe(call) + ", got " +
                                     std::to_string(got.num_elements()) + " of " + name_of(got.dtype));
    abort(reason);
    return reason;
  }

  template <class Work>
  Status collective(Context& context, const Call& call, Event* done, const Work& work) {
    ++num_collectives_;
    if (done != nullptr) done->handle = nullptr;
    if (context.heartbeat != nullptr) context.heartbeat->enter_collective();
    Status status = meet_and_work(call, work);
    if (context.heartbeat != nullptr) context.heartbeat->leave_collective();
    return status;
  }

  template <class Work>
  Status meet_and_work(const Call& call, const Work& work) {
    group_->slots[static_cast<size_t>(rank_)].call = call;
    if (!group_->rendezvous.meet()) return poisoned(call);
    const Status verdict = compare_calls();
    if (verdict.ok()) work();
    group_->rendezvous.part();
    if (!verdict.ok()) abort(verdict);
    return verdict;
  }

  Status poisoned(const Call& call) {
    const Status reason = group_->rendezvous.reason();
    return Status(reason.code() == MR_OK ? MR_COMM : reason.code(),
                  "rank " + std::to_string(rank_) + " gave up " + describe(call) + ": " + reason.message());
  }

  // The same sentence on every rank, for all see the same slots.
  Status compare_calls() const {
    for (int peer = 1; peer < num_ranks(); ++peer) {
      if (agree(call_of_rank(0), call_of_rank(peer))) continue;
      return Status(MR_COMM, "expected one collective on all ranks, got " + describe(call_of_rank(0)) +
                                 " on rank 0 and " + describe(call_of_rank(peer)) + " on rank " + std::to_string(peer));
    }
    return ok();
  }

  // This rank's slice of an all-reduce, for all ranks.
  void share_reduction(Context& context, const Call& call) {
    const int64_t lines = (call.count + kLine - 1) / kLine;
    const int64_t begin = std::min(call.count, lines * rank_ / num_ranks() * kLine);
    const int64_t end = std::min(call.count, lines * (rank_ + 1) / num_ranks() * kLine);
    for (int peer = 0; peer < num_ranks(); ++peer) destinations_[static_cast<size_t>(peer)] = call_of_rank(peer).buffer;
    reduce(context, call, num_ranks(), 0, begin, end);
  }

  void reduce(Context& context, const Call& call, int num_destinations, int64_t offset, int64_t begin, int64_t end) {
    for (int peer = 0; peer < num_ranks(); ++peer) sources_[static_cast<size_t>(peer)] = call_of_rank(peer).buffer;
    for_chunks(context, end - begin, kChunk / num_ranks(), [&](int64_t from, int64_t to) {
      reduce_range(call.dtype, call.op, sources_.data(), num_ranks(), destinations_.data(), num_destinations, offset,
                   begin + from, begin + to);
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

  std::shared_ptr<Group> group_;
  const int rank_;
  uint64_t num_collectives_ = 0;
  std::vector<const void*> sources_;
  std::vector<void*> destinations_;
};

}  // namespace

std::vector<std::unique_ptr<Communicator>> create_thread_group(int num_ranks) {
  auto group = std::make_shared<Group>(num_ranks);
  std::vector<std::unique_ptr<Communicator>> communicators;
  for (int rank = 0; rank < num_ranks; ++rank) communicators.push_back(std::make_unique<ThreadComm>(group, rank));
  return communicators;
}

}  // namespace millrace
