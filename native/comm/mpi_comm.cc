// An all-reduce goes piece by piece: every rank gets its slice of the piece from all others, adds them up by the tree
// and sends the sum to all. Pieces are of a size that stays in cache.
#include "comm/mpi_comm.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "comm/group_comm.h"
#include "comm/reduce.h"

namespace millrace {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kSayEvery{1};
constexpr size_t kPieceBytes = size_t{1} << 20;
// Tags of a group: its calls, its data. The standard promises tags up to 32,767.
constexpr int kTagsOfGroup = 2;

}  // namespace

MpiGroup::MpiGroup(MpiWorld& world, std::vector<int> members)
    : world_(world),
      members_(std::move(members)),
      number_(world.next_group()),
      records_(members_.size()),
      calls_(members_.size()) {
  rank_ = static_cast<int>(std::find(members_.begin(), members_.end(), world.rank()) - members_.begin());
}

int MpiGroup::data_tag() const { return number_ * kTagsOfGroup + 1; }

bool MpiGroup::meet(int rank, const Call& call) {
  if (num_ranks() == 1) {
    calls_[0] = call;
    return !poisoned();
  }
  Record own{call.count,
             static_cast<int32_t>(call.collective),
             static_cast<int32_t>(call.op),
             static_cast<int32_t>(call.dtype),
             call.root,
             ""};
  std::strncpy(own.operation, call.operation, sizeof(own.operation) - 1);
  const Status met = world_.run([&] {
    std::vector<MpiTransfer> sends, receives;
    for (int peer = 0; peer < num_ranks(); ++peer) {
      if (peer == rank) continue;
      sends.push_back({member(peer), &own, sizeof(Record)});
      receives.push_back({member(peer), &records_[static_cast<size_t>(peer)], sizeof(Record)});
    }
    return world_.exchange(number_, number_ * kTagsOfGroup, sends, receives);
  });
  if (!met.ok()) {
    poison(met);
    return false;
  }
  records_[static_cast<size_t>(rank)] = own;
  for (size_t i = 0; i < records_.size(); ++i) {
    const Record& record = records_[i];
    calls_[i] = Call{static_cast<Collective>(record.collective),
                     static_cast<ReduceOp>(record.op),
                     static_cast<DType>(record.dtype),
                     record.count,
                     record.root,
                     record.operation,
                     nullptr,
                     nullptr};
  }
  return true;
}

void MpiGroup::poison(const Status& reason) {
  const Status named = reason.ok() ? Status(MR_COMM, "it was ended without a reason") : reason;
  world_.poison(number_, members_, named);
}

Status MpiGroup::tell(void* bytes, size_t num_bytes, int root) {
  return world_.run([&] {
    std::vector<MpiTransfer> sends, receives;
    for (int peer = 0; peer < num_ranks(); ++peer) {
      if (rank_ == root && peer != root) sends.push_back({member(peer), bytes, num_bytes});
    }
    if (rank_ != root) receives.push_back({member(root), bytes, num_bytes});
    return world_.exchange(number_, data_tag(), sends, receives);
  });
}

namespace {

class MpiComm : public GroupComm {
 public:
  explicit MpiComm(std::unique_ptr<MpiGroup> group)
      : GroupComm(group.get(), group->rank()), group_(std::move(group)), sources_(static_cast<size_t>(num_ranks())) {}

 private:
  Status perform(Context& context, const Call& call) override {
    if (num_ranks() == 1) return alone(call);
    return group_->world().run([&] { return exchange(context, call); });
  }

  static Status alone(const Call& call) {
    const bool copies = call.collective == Collective::kAllGather || call.collective == Collective::kReduceScatter;
    if (copies && call.out != call.buffer) std::memcpy(call.out, call.buffer, call.buffer_bytes());
    return ok();
  }

  // On the thread of MPI.
  Status exchange(Context& context, const Call& call) {
    const int64_t width = static_cast<int64_t>(dtype_bytes(call.dtype));
    const int64_t piece = static_cast<int64_t>(kPieceBytes) / width;
    char* const buffer = static_cast<char*>(call.buffer);
    char* const out = static_cast<char*>(call.out);
    switch (call.collective) {
      case Collective::kAllReduce:
        return for_pieces(context, call, call.count, piece, [&](int64_t begin, int64_t count) {
          return all_reduce(call, buffer + begin * width, count);
        });
      case Collective::kReduceScatter: {
        const int64_t share = call.count / num_ranks();
        return for_pieces(context, call, share, piece / num_ranks(), [&](int64_t begin, int64_t count) {
          const auto part_of = [&](int peer) {
            return Part{buffer + (peer * share + begin) * width, static_cast<size_t>(count * width)};
          };
          return reduce(call, part_of, count, out + begin * width);
        });
      }
      case Collective::kAllGather: {
        const size_t bytes = call.buffer_bytes();
        std::memmove(out + static_cast<size_t>(rank()) * bytes, buffer, bytes);
        return for_pieces(context, call, call.count, piece, [&](int64_t begin, int64_t count) {
          return to_all(buffer + begin * width, static_cast<size_t>(count * width), [&](int peer) {
            return Part{out + static_cast<size_t>(peer) * bytes + begin * width, static_cast<size_t>(count * width)};
          });
        });
      }
      case Collective::kBroadcast:
        return for_pieces(context, call, call.count, piece, [&](int64_t begin, int64_t count) {
          return from_root(call.root, Part{buffer + begin * width, static_cast<size_t>(count * width)});
        });
      case Collective::kBarrier:
        return ok();  // they have met
    }
    return internal_error("a collective without a case");
  }

  struct Part {
    char* data;
    size_t bytes;
  };

  Status all_reduce(const Call& call, char* buffer, int64_t count) {
    const size_t width = dtype_bytes(call.dtype);
    const auto part_of = [&](int peer) {
      const ElementRange slice = slice_of(count, peer, num_ranks());
      return Part{buffer + static_cast<size_t>(slice.begin) * width,
                  static_cast<size_t>(slice.end - slice.begin) * width};
    };
    const Part own = part_of(rank());
    MR_RETURN_IF_ERROR(reduce(call, part_of, static_cast<int64_t>(own.bytes / width), own.data));
    return to_all(own.data, own.bytes, part_of);
  }

  // to = the reduction of what all ranks have as this rank's part, `count` elements.
  template <class PartOf>
  Status reduce(const Call& call, const PartOf& part_of, int64_t count, void* to) {
    const Part own = part_of(rank());
    received_.resize(static_cast<size_t>(num_ranks()) * own.bytes);
    sends_.clear();
    receives_.clear();
    for (int peer = 0; peer < num_ranks(); ++peer) {
      char* const from_peer = received_.data() + static_cast<size_t>(peer) * own.bytes;
      sources_[static_cast<size_t>(peer)] = peer == rank() ? own.data : from_peer;
      if (peer == rank()) continue;
      const Part part = part_of(peer);
      sends_.push_back({group_->member(peer), part.data, part.bytes});
      receives_.push_back({group_->member(peer), from_peer, own.bytes});
    }
    MR_RETURN_IF_ERROR(transfer());
    reduce_range(call.dtype, call.op, sources_.data(), num_ranks(), &to, 1, 0, 0, count);
    return ok();
  }

  // Sends these bytes to every peer, and gets theirs.
  template <class PartOf>
  Status to_all(char* data, size_t bytes, const PartOf& part_of) {
    sends_.clear();
    receives_.clear();
    for (int peer = 0; peer < num_ranks(); ++peer) {
      if (peer == rank()) continue;
      const Part part = part_of(peer);
      sends_.push_back({group_->member(peer), data, bytes});
      receives_.push_back({group_->member(peer), part.data, part.bytes});
    }
    return transfer();
  }

  Status from_root(int root, const Part& part) {
    sends_.clear();
    receives_.clear();
    for (int peer = 0; peer < num_ranks(); ++peer) {
      if (rank() == root && peer != root) sends_.push_back({group_->member(peer), part.data, part.bytes});
    }
    if (rank() != root) receives_.push_back({group_->member(root), part.data, part.bytes});
    return transfer();
  }

  Status transfer() { return group_->world().exchange(group_->number(), group_->data_tag(), sends_, receives_); }

  // Over a slow network a collective may take longer than one that stands still may: its name says how far it is.
  template <class Body>
  static Status for_pieces(Context& context, const Call& call, int64_t count, int64_t piece, const Body& body) {
    Clock::time_point said = Clock::now();
    for (int64_t begin = 0; begin < count; begin += piece) {
      MR_RETURN_IF_ERROR(body(begin, std::min(piece, count - begin)));
      if (context.heartbeat == nullptr) continue;
      context.heartbeat->tick();
      if (Clock::now() - said < kSayEvery) continue;
      said = Clock::now();
      context.heartbeat->set_operation("%s, %d %% done", call.operation, static_cast<int>(100 * begin / count));
    }
    return ok();
  }

  std::unique_ptr<MpiGroup> group_;
  std::vector<const void*> sources_;
  std::vector<char> received_;
  std::vector<MpiTransfer> sends_, receives_;
};

}  // namespace

std::unique_ptr<Communicator> create_mpi_member(MpiWorld& world, std::vector<int> members) {
  return std::make_unique<MpiComm>(std::make_unique<MpiGroup>(world, std::move(members)));
}

}  // namespace millrace
