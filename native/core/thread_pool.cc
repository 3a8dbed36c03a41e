// A job is cut into chunks and a thread claims the next one by lowering a ticket that holds (job number, chunks left).
// Claiming proves that the job still runs, so a worker that sleeps through a job delays nobody: with more threads than
// processors the caller does the work itself.
#include "core/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "core/parking.h"

namespace millrace {

namespace {

constexpr int64_t kChunksPerThread = 4;  // uneven chunks and disturbed threads even out

uint64_t chunks_left(uint64_t ticket) { return ticket & 0xffffffffu; }

}  // namespace

struct ThreadPool::Impl {
  explicit Impl(int num_threads) : workers_wait(num_threads), caller_waits(num_threads) {}

  // The job; written while no chunk is claimed, read only by holders of a chunk.
  const std::function<void(int64_t, int64_t)>* body = nullptr;
  int64_t count = 0;
  int64_t chunk = 0;
  int64_t num_chunks = 0;

  std::atomic<uint64_t> ticket{0};  // job << 32 | chunks left
  std::atomic<int64_t> num_done{0};
  std::atomic<bool> stopping{false};
  Parking workers_wait;
  Parking caller_waits;
  std::vector<std::thread> workers;

  // Runs chunks until none is left.
  void run_chunks() {
    uint64_t seen = ticket.load(std::memory_order_acquire);
    while (chunks_left(seen) != 0) {
      if (!ticket.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
      const int64_t total = num_chunks;
      const int64_t begin = (total - static_cast<int64_t>(chunks_left(seen))) * chunk;
      (*body)(begin, std::min(begin + chunk, count));
      if (num_done.fetch_add(1, std::memory_order_seq_cst) + 1 == total) caller_waits.wake_all();
      seen = ticket.load(std::memory_order_acquire);
    }
  }

  void work() {
    while (true) {
      workers_wait.wait([this] {
        return chunks_left(ticket.load(std::memory_order_seq_cst)) != 0 || stopping.load(std::memory_order_seq_cst);
      });
      if (stopping.load(std::memory_order_seq_cst)) return;
      run_chunks();
    }
  }
};

ThreadPool::ThreadPool(int num_threads) : impl_(std::make_unique<Impl>(num_threads)) {
  for (int i = 1; i < num_threads; ++i) impl_->workers.emplace_back([this] { impl_->work(); });
}

ThreadPool::~ThreadPool() {
  impl_->stopping.store(true, std::memory_order_seq_cst);
  impl_->workers_wait.wake_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

int ThreadPool::num_threads() const { return static_cast<int>(impl_->workers.size()) + 1; }

void ThreadPool::parallel_for(int64_t count, int64_t grain, const std::function<void(int64_t, int64_t)>& body) {
  if (count <= 0) return;
  const int64_t most_chunks = kChunksPerThread * num_threads();
  const int64_t chunk = std::max({grain, int64_t{1}, (count + most_chunks - 1) / most_chunks});
  const int64_t num_chunks = (count + chunk - 1) / chunk;
  if (impl_->workers.empty() || num_chunks == 1) {
    for (int64_t begin = 0; begin < count; begin += chunk) body(begin, std::min(begin + chunk, count));
    return;
  }
  impl_->body = &body;
  impl_->count = count;
  impl_->chunk = chunk;
  impl_->num_chunks = num_chunks;
  impl_->num_done.store(0, std::memory_order_relaxed);
  const uint64_t job = (impl_->ticket.load(std::memory_order_relaxed) >> 32) + 1;
  impl_->ticket.store(job << 32 | static_cast<uint64_t>(num_chunks), std::memory_order_seq_cst);
  impl_->workers_wait.wake_all();
  impl_->run_chunks();
  impl_->caller_waits.wait([&] { return impl_->num_done.load(std::memory_order_seq_cst) == num_chunks; });
}

}  // namespace millrace
