// Ranks as processes of the processor: communicators over MPI. Sums have the bits that threads give (comm/reduce.h).
// Defined only in builds with MPI (MILLRACE_MPI).
#ifndef MILLRACE_COMM_MPI_COMM_H_
#define MILLRACE_COMM_MPI_COMM_H_

#include <memory>
#include <vector>

#include "comm/call_group.h"
#include "comm/communicator.h"
#include "comm/mpi_world.h"

namespace millrace {

// The bookkeeping of a group of processes: calls travel as messages. One rank of it is here. It is also how these
// processes tell each other a few bytes.
class MpiGroup final : public CallGroup {
 public:
  // `members`: their ranks in the world, in the order of the group, this process's among them. All members create
  // their groups in the same order.
  MpiGroup(MpiWorld& world, std::vector<int> members);

  MpiWorld& world() { return world_; }
  int number() const { return number_; }
  int rank() const { return rank_; }
  int member(int rank) const { return members_[static_cast<size_t>(rank)]; }
  int data_tag() const;

  int num_ranks() const override { return static_cast<int>(members_.size()); }
  bool meet(int rank, const Call& call) override;
  const Call& call_of(int rank) const override { return calls_[static_cast<size_t>(rank)]; }
  // Nobody works on another process's memory.
  void part() override {}
  void poison(const Status& reason) override;
  bool poisoned() override { return !reason().ok(); }
  Status reason() override { return world_.reason(number_); }

  // The bytes of rank `root`, on all members; at most MpiTransfer::kMost.
  Status tell(void* bytes, size_t num_bytes, int root);

 private:
  // A call on its way: what other processes compare and name.
  struct Record {
    int64_t count;
    int32_t collective, op, dtype, root;
    char operation[128];
  };

  MpiWorld& world_;
  const std::vector<int> members_;
  const int number_;
  int rank_ = 0;
  std::vector<Record> records_;
  std::vector<Call> calls_;
};

// The communicator of this process's rank in a group of `members`, as above.
std::unique_ptr<Communicator> create_mpi_member(MpiWorld& world, std::vector<int> members);

}  // namespace millrace

#endif  // MILLRACE_COMM_MPI_COMM_H_
