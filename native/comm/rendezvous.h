// Rendezvous: where the ranks of a thread group meet. A collective is meet(), the work on each other's memory, part().
//
// meet() fails on a poisoned group, and then on all ranks or on none: arrivals, meetings and the poison share one word.
// part() never fails: whoever met finishes in finite time, and nobody may leave while a peer works on its memory.
#ifndef MILLRACE_COMM_RENDEZVOUS_H_
#define MILLRACE_COMM_RENDEZVOUS_H_

#include <atomic>
#include <cstdint>
#include <mutex>

#include "core/parking.h"
#include "core/status.h"

namespace millrace {

class Rendezvous {
 public:
  explicit Rendezvous(int num_ranks) : num_ranks_(static_cast<uint64_t>(num_ranks)), parking_(num_ranks) {}

  // Waits for all ranks; false when the group was poisoned before the last arrived.
  bool meet();
  void part();

  // The first reason stays.
  void poison(const Status& reason);
  bool poisoned() const { return (meetings_.load(std::memory_order_seq_cst) & kPoison) != 0; }
  Status reason();

 private:
  // One word: poison | meetings << 16 | arrived.
  static constexpr uint64_t kPoison = uint64_t{1} << 63;
  static constexpr uint64_t kMeeting = uint64_t{1} << 16;
  static uint64_t arrived(uint64_t word) { return word & (kMeeting - 1); }
  static uint64_t number(uint64_t word) { return (word & ~kPoison) / kMeeting; }

  const uint64_t num_ranks_;
  std::atomic<uint64_t> meetings_{0};
  std::atomic<uint64_t> partings_{0};
  Parking parking_;
  std::mutex reason_mutex_;
  Status reason_;
};

}  // namespace millrace

#endif  // MILLRACE_COMM_RENDEZVOUS_H_
