#include "comm/group_comm.h"

#include <string>

#include "core/device.h"

namespace millrace {

namespace {

Call call_of(Collective collective, const Tensor& buffer, const char* operation) {
  Call call;
  call.collective = collective;
  call.dtype = buffer.dtype;
  call.count = buffer.num_elements();
  call.operation = operation;
  call.buffer = buffer.data;
  return call;
}

}  // namespace

Status GroupComm::all_reduce(Context& context, Tensor buffer, ReduceOp op, const char* operation, Event* done) {
  Call call = call_of(Collective::kAllReduce, buffer, operation);
  call.op = op;
  return collective(context, call, done);
}

Status GroupComm::all_gather(Context& context, Tensor out, Tensor buffer, const char* operation, Event* done) {
  Call call = call_of(Collective::kAllGather, buffer, operation);
  call.out = out.data;
  const int64_t whole = call.count * num_ranks();
  if (out.dtype != buffer.dtype || out.num_elements() != whole) return refuse(call, std::to_string(whole), out);
  return collective(context, call, done);
}

Status GroupComm::reduce_scatter(Context& context, Tensor out, Tensor buffer, const char* operation, Event* done) {
  Call call = call_of(Collective::kReduceScatter, buffer, operation);
  call.out = out.data;
  if (out.dtype != buffer.dtype || out.num_elements() * num_ranks() != call.count) {
    return refuse(call, "1/" + std::to_string(num_ranks()) + " of " + std::to_string(call.count), out);
  }
  return collective(context, call, done);
}

Status GroupComm::broadcast(Context& context, Tensor buffer, int root, const char* operation, Event* done) {
  Call call = call_of(Collective::kBroadcast, buffer, operation);
  call.root = root;
  if (root < 0 || root >= num_ranks()) return refuse(call, "a root below " + std::to_string(num_ranks()), buffer);
  return collective(context, call, done);
}

Status GroupComm::barrier(Context& context, const char* operation) {
  Call call;
  call.operation = operation;
  return collective(context, call, nullptr);
}

Status GroupComm::collective(Context& context, const Call& call, Event* done) {
  ++num_collectives_;
  if (done != nullptr) done->handle = nullptr;
  if (context.heartbeat != nullptr) context.heartbeat->enter_collective();
  Status status = run(context, call);
  if (context.heartbeat != nullptr) context.heartbeat->leave_collective();
  if (!status.ok() || done == nullptr || context.device == nullptr) return status;
  return context.device->mark(context, done);
}

Status GroupComm::run(Context& context, const Call& call) {
  const Status prepared = prepare(context);
  if (!prepared.ok()) return failed(call, prepared);
  if (!group_->meet(rank_, call)) return poisoned(call);
  const Status verdict = compare_calls();
  const Status performed = verdict.ok() ? perform(context, call) : ok();
  // Before the peers go on: whoever asks for the status behind this collective must hear of it.
  const Status failure = performed.ok() ? ok() : failed(call, performed);
  group_->part();
  if (!verdict.ok()) {
    abort(verdict);
    return verdict;
  }
  if (!failure.ok()) return failure;
  const Status finished = finish(context);
  return finished.ok() ? ok() : failed(call, finished);
}

// A call that is wrong by itself: the peers must hear of it, or they would wait for ever.
Status GroupComm::refuse(const Call& call, const std::string& expected, const Tensor& got) {
  const Status reason(MR_COMM, "expected " + expected + " elements of " + name_of(call.dtype) + " for rank " +
                                   std::to_string(rank_) + " of " + describe(call) + ", got " +
                                   std::to_string(got.num_elements()) + " of " + name_of(got.dtype));
  abort(reason);
  return reason;
}

Status GroupComm::poisoned(const Call& call) const {
  const Status reason = group_->reason();
  return Status(reason.code() == MR_OK ? MR_COMM : reason.code(),
                "rank " + std::to_string(rank_) + " gave up " + describe(call) + ": " + reason.message());
}

// This rank's own part went wrong. Where a peer's failure was the cause, that is what is told.
Status GroupComm::failed(const Call& call, const Status& cause) {
  if (group_->poisoned()) return poisoned(call);
  const Status reason(MR_COMM,
                      "rank " + std::to_string(rank_) + " failed in " + describe(call) + ": " + cause.message());
  abort(reason);
  return reason;
}

Status GroupComm::compare_calls() const {
  for (int peer = 1; peer < num_ranks(); ++peer) {
    if (agree(call_of_rank(0), call_of_rank(peer))) continue;
    return Status(MR_COMM, "expected one collective on all ranks, got " + describe(call_of_rank(0)) +
                               " on rank 0 and " + describe(call_of_rank(peer)) + " on rank " + std::to_string(peer));
  }
  return ok();
}

}  // namespace millrace
