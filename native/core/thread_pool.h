// ThreadPool: a rank's threads. The calling thread is one of them, so a pool of one makes no thread at all. Waits spin
// briefly, then park.
#ifndef MILLRACE_CORE_THREAD_POOL_H_
#define MILLRACE_CORE_THREAD_POOL_H_

#include <cstdint>
#include <functional>
#include <memory>

namespace millrace {

class ThreadPool {
 public:
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const;

  // Calls body(begin, end) over disjoint ranges that cover [0, count), each at least `grain` long but for the last;
  // returns when all are done. Which thread runs which range is not fixed; ranges are, for a given count, grain and
  // size of pool. Not reentrant.
  void parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t begin, int64_t end)>& body);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace millrace

#endif  // MILLRACE_CORE_THREAD_POOL_H_
