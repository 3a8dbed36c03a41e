// Communicator: the collectives of one group of ranks. The only place where one rank's data reaches another.
//
// A collective is enqueued on the context's stream; on the CPU it is complete on return. `done`, if given, gets a mark
// of the context's device (core/device.h) behind it. All ranks of a group call the same collectives in the same order.
// Sums add ranks by a balanced binary tree (comm/reduce.h), and every rank gets the same bits. `operation` names the
// call for the status page and for errors ("layer 3 mlp g forward"). A failed collective poisons the group: every rank,
// now and later, gets an error naming rank, operation and cause; none hangs.
#ifndef MILLRACE_COMM_COMMUNICATOR_H_
#define MILLRACE_COMM_COMMUNICATOR_H_

#include <cstddef>
#include <cstdint>

#include "core/context.h"
#include "core/status.h"
#include "core/tensor.h"

namespace millrace {

enum class ReduceOp : uint8_t { kSum, kMax };

// What Context::gathered has, to verify: a communicator that reaches no other rank's memory gathers parts of their
// buffers there, a piece at a time.
inline constexpr size_t kGatheredBytes = size_t{4} << 20;

class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int num_ranks() const = 0;

  // In place over buffer (any shape, same on all ranks).
  virtual Status all_reduce(Context&, Tensor buffer, ReduceOp, const char* operation, Event* done = nullptr) = 0;
  // out = [buffer of rank 0 | rank 1 | ...], flat.
  virtual Status all_gather(Context&, Tensor out, Tensor buffer, const char* operation, Event* done = nullptr) = 0;
  // out = this rank's 1/num_ranks slice of the sum of `buffer`, flat.
  virtual Status reduce_scatter(Context&, Tensor out, Tensor buffer, const char* operation, Event* done = nullptr) = 0;
  virtual Status broadcast(Context&, Tensor buffer, int root, const char* operation, Event* done = nullptr) = 0;
  virtual Status barrier(Context&, const char* operation) = 0;

  // Ends all waits of the group with `reason`; callable from any thread, idempotent.
  virtual void abort(const Status& reason) = 0;
  // ok() until the group is ended, then why. On a device an ended collective leaves anything behind, and no error: who
  // has waited for the device asks this before it takes what lies there for a result. Any thread.
  virtual Status status() = 0;
  // Collectives entered so far by this rank, for tests that count them.
  virtual uint64_t num_collectives() const = 0;
};

}  // namespace millrace

#endif  // MILLRACE_COMM_COMMUNICATOR_H_
