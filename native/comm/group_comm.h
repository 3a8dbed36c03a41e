// GroupComm: what all communicators have in common, whatever moves the data. It checks a call, publishes it, meets the
// others, compares the calls (all see the same ones, so all come to the same verdict) and poisons the group on any
// failure, so that nobody waits for ever.
#ifndef MILLRACE_COMM_GROUP_COMM_H_
#define MILLRACE_COMM_GROUP_COMM_H_

#include <string>

#include "comm/call_group.h"
#include "comm/communicator.h"

namespace millrace {

class GroupComm : public Communicator {
 public:
  int rank() const final { return rank_; }
  int num_ranks() const final { return group_->num_ranks(); }
  uint64_t num_collectives() const final { return num_collectives_; }
  void abort(const Status& reason) override { group_->poison(reason); }
  Status status() final { return group_->poisoned() ? group_->reason() : ok(); }

  Status all_reduce(Context&, Tensor buffer, ReduceOp, const char* operation, Event* done) final;
  Status all_gather(Context&, Tensor out, Tensor buffer, const char* operation, Event* done) final;
  Status reduce_scatter(Context&, Tensor out, Tensor buffer, const char* operation, Event* done) final;
  Status broadcast(Context&, Tensor buffer, int root, const char* operation, Event* done) final;
  Status barrier(Context&, const char* operation) final;

 protected:
  // `group` outlives this object.
  GroupComm(CallGroup* group, int rank) : group_(group), rank_(rank) {}

  const Call& call_of_rank(int rank) const { return group_->call_of(rank); }

  // A rank's part of a collective, in three: before it meets the others; when all have met and agree, until they part;
  // and after. A failure of one rank reaches the others at their next meeting.
  virtual Status prepare(Context&) { return ok(); }
  virtual Status perform(Context&, const Call&) = 0;
  virtual Status finish(Context&) { return ok(); }

 private:
  Status collective(Context&, const Call&, Event* done);
  Status run(Context&, const Call&);
  Status refuse(const Call&, const std::string& expected, const Tensor& got);
  Status poisoned(const Call&) const;
  Status failed(const Call&, const Status& cause);
  Status compare_calls() const;

  CallGroup* group_;
  const int rank_;
  uint64_t num_collectives_ = 0;
};

}  // namespace millrace

#endif  // MILLRACE_COMM_GROUP_COMM_H_
