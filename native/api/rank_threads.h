// One thread a rank, each with its own index, kept from call to call. The caller hands out one piece of work to all and
// waits; it never runs a rank's work itself, so a rank's memory is touched by one thread only.
#ifndef MILLRACE_API_RANK_THREADS_H_
#define MILLRACE_API_RANK_THREADS_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "core/status.h"

namespace millrace {

class RankThreads {
 public:
  // Throws std::system_error when the machine gives no more threads.
  explicit RankThreads(int num_ranks);
  ~RankThreads();
  RankThreads(const RankThreads&) = delete;
  RankThreads& operator=(const RankThreads&) = delete;

  // Calls work(rank) on every rank's thread and returns when all have returned. Of several errors it gives the lowest
  // rank's of those that are not just the echo of a peer's (MR_COMM); where all are, the first that came. A rank that a
  // peer ended before it found the same has only the echo.
  Status run(const std::function<Status(int rank)>& work);

 private:
  void serve(int rank);
  void stop();
  void note(int rank, const Status& status);

  std::mutex mutex_;
  std::condition_variable work_ready_;
  std::condition_variable work_done_;
  const std::function<Status(int)>* work_ = nullptr;
  uint64_t round_ = 0;
  int running_ = 0;
  bool stopping_ = false;
  Status error_;
  int rank_of_error_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace millrace

#endif  // MILLRACE_API_RANK_THREADS_H_
