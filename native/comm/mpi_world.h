// MpiWorld: the processes that mpirun or srun started for one run, joined by MPI. All calls of MPI are made by one
// thread of this process, which others hand work to. While it waits, and now and then while it has nothing to do, it
// looks for messages that end a group: so no process waits for ever for one that has given up.
//
// Defined only in builds with MPI (MILLRACE_MPI).
#ifndef MILLRACE_COMM_MPI_WORLD_H_
#define MILLRACE_COMM_MPI_WORLD_H_

#include <mpi.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "core/status.h"

namespace millrace {

// Bytes to or from another process.
struct MpiTransfer {
  int peer = 0;  // rank in the world
  void* data = nullptr;
  size_t bytes = 0;  // at most kMost
  static constexpr size_t kMost = size_t{1} << 30;
};

class MpiWorld {
 public:
  // Joins the others, which waits for all of them; a later call gives the same world. It lives until the process ends.
  // MR_COMM: MPI said no, or the process has left.
  static Status join(MpiWorld** out);

  int rank() const { return rank_; }
  int num_ranks() const { return num_ranks_; }
  // Among the processes of this machine.
  int local_rank() const { return local_rank_; }
  int num_local_ranks() const { return num_local_ranks_; }

  // The last call. `finished`: waits for all others to leave too (MPI_Finalize). Otherwise MPI is just not called any
  // more, and the launcher, which sees this process end so, ends the others.
  Status leave(bool finished);

  // Runs `work` on the thread of MPI and waits for it. Any thread.
  Status run(const std::function<Status()>& work);

  // On the thread of MPI: sends and receives all of these under `tag` of a group. MR_COMM when the group is poisoned
  // meanwhile; then no memory is touched any more, but for a peer that does not move.
  Status exchange(int group, int tag, const std::vector<MpiTransfer>& sends, const std::vector<MpiTransfer>& receives);

  // Groups get the same numbers on all processes that create them in the same order.
  int next_group() { return next_group_++; }
  // Ends a group here and on its other members; the first reason stays. Any thread.
  void poison(int group, const std::vector<int>& members, const Status& reason);
  // ok() while it is not poisoned. Any thread.
  Status reason(int group);

 private:
  struct Poison {
    int group;
    int code;
    char text[1016];
  };
  struct Letter {
    int peer;
    Poison poison;
  };

  MpiWorld() = default;

  Status start();
  void serve();
  Status initialize();
  bool take_job(std::chrono::microseconds pause);
  // What may come or go at any time: messages that end groups.
  void handle_letters();
  Status wait_for(std::vector<MPI_Request>& requests, size_t num_receives, int group);
  void give_up(std::vector<MPI_Request>& requests, size_t num_receives);
  bool test_all(std::vector<MPI_Request>& requests, Status* status);
  void note_poison(int group, const Status& reason);

  int rank_ = 0, num_ranks_ = 1, local_rank_ = 0, num_local_ranks_ = 1;
  bool crowded_ = false;  // more waiting threads than processors
  std::atomic<int> next_group_{0};
  MPI_Comm data_ = MPI_COMM_NULL, letters_ = MPI_COMM_NULL;  // the world twice, so that neither meets the other's

  std::mutex callers_;  // one at a time hands work over
  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<Status()>* work_ = nullptr;
  bool done_ = false;
  bool leaving_ = false, finished_ = false, gone_ = false;
  Status result_;
  std::deque<Letter> outbox_;
  std::map<int, Status> poisons_;
  std::atomic<bool> any_poison_{false};

  std::deque<Letter> sent_;  // the library reads them until it has sent them: kept
  // A transfer could not be ended: MPI is not called any more, for it might touch memory that is somebody else's by
  // now.
  bool silent_ = false;
  std::thread thread_;
};

}  // namespace millrace

#endif  // MILLRACE_COMM_MPI_WORLD_H_
