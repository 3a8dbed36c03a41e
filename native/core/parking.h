// Parking: how a thread waits for another. It spins long enough to bridge the gap between two ops, then sleeps, so that
// more threads than processors do no harm.
#ifndef MILLRACE_CORE_PARKING_H_
#define MILLRACE_CORE_PARKING_H_

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace millrace {

class Parking {
 public:
  static constexpr int kSpins = 2000;       // some 50 us
  static constexpr int kSpinsCrowded = 20;  // when the awaited thread probably waits for a processor

  explicit Parking(int num_threads)
      : spins_(num_threads <= static_cast<int>(std::thread::hardware_concurrency()) ? kSpins : kSpinsCrowded) {}

  // Returns when ready() is true. ready() reads atomics with sequential consistency; whoever changes them stores with
  // the same and calls wake_all() after.
  template <class Ready>
  void wait(const Ready& ready) {
    for (int i = 0; i < spins_; ++i) {
      if (ready()) return;
      relax();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    num_parked_.fetch_add(1, std::memory_order_seq_cst);
    changed_.wait(lock, ready);
    num_parked_.fetch_sub(1, std::memory_order_seq_cst);
  }

  // Either a parking thread sees what was stored before this call, or this call sees the thread parked.
  void wake_all() {
    if (num_parked_.load(std::memory_order_seq_cst) == 0) return;
    std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  }

 private:
  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield" ::: "memory");
#endif
  }

  const int spins_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> num_parked_{0};
};

}  // namespace millrace

#endif  // MILLRACE_CORE_PARKING_H_
