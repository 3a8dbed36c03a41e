#include "api/rank_threads.h"

#include <exception>
#include <new>

namespace millrace {

namespace {

Status guarded(const std::function<Status(int)>& work, int rank) {
  try {
    return work(rank);
  } catch (const std::bad_alloc&) {
    return Status(MR_OUT_OF_MEMORY, "rank " + std::to_string(rank) + ": out of memory");
  } catch (const std::exception& error) {
    return internal_error("rank " + std::to_string(rank) + ": " + error.what());
  }
}

}  // namespace

RankThreads::RankThreads(int num_ranks) {
  threads_.reserve(static_cast<size_t>(num_ranks));
  try {
    for (int rank = 0; rank < num_ranks; ++rank) threads_.emplace_back([this, rank] { serve(rank); });
  } catch (...) {
    stop();
    throw;
  }
}

RankThreads::~RankThreads() { stop(); }

void RankThreads::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Status RankThreads::run(const std::function<Status(int)>& work) {
  std::unique_lock lock(mutex_);
  error_ = ok();
  work_ = &work;
  running_ = static_cast<int>(threads_.size());
  ++round_;
  work_ready_.notify_all();
  work_done_.wait(lock, [this] { return running_ == 0; });
  work_ = nullptr;
  return error_;
}

void RankThreads::note(int rank, const Status& status) {
  if (status.ok()) return;
  const bool is_echo = status.code() == MR_COMM;
  const bool has_origin = !error_.ok() && error_.code() != MR_COMM;
  if (!error_.ok() && (is_echo || (has_origin && rank_of_error_ < rank))) return;
  error_ = status;
  rank_of_error_ = rank;
}

void RankThreads::serve(int rank) {
  uint64_t served = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    work_ready_.wait(lock, [&] { return stopping_ || round_ != served; });
    if (stopping_) return;
    served = round_;
    const std::function<Status(int)>& work = *work_;
    lock.unlock();
    const Status status = guarded(work, rank);
    lock.lock();
    note(rank, status);
    if (--running_ == 0) work_done_.notify_one();
  }
}

}  // namespace millrace
