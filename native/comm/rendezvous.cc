#include "comm/rendezvous.h"

namespace millrace {

bool Rendezvous::meet() {
  uint64_t word = meetings_.load(std::memory_order_seq_cst);
  while (true) {
    if ((word & kPoison) != 0) return false;
    const bool last = arrived(word) + 1 == num_ranks_;
    const uint64_t next = last ? word - arrived(word) + kMeeting : word + 1;
    if (!meetings_.compare_exchange_weak(word, next, std::memory_order_seq_cst)) continue;
    if (last) {
      parking_.wake_all();
      return true;
    }
    break;
  }
  // A meeting that took place counts even if the poison came after; without one there is none to come, because nobody
  // can arrive at a poisoned group.
  const uint64_t awaited = number(word) + 1;
  const auto decided = [&] {
    word = meetings_.load(std::memory_order_seq_cst);
    return number(word) >= awaited || (word & kPoison) != 0;
  };
  parking_.wait(decided);
  return number(word) >= awaited;
}

void Rendezvous::part() {
  const uint64_t before = partings_.fetch_add(1, std::memory_order_seq_cst);
  const uint64_t awaited = (before / num_ranks_ + 1) * num_ranks_;
  if (before + 1 == awaited) {
    parking_.wake_all();
    return;
  }
  parking_.wait([&] { return partings_.load(std::memory_order_seq_cst) >= awaited; });
}

void Rendezvous::poison(const Status& reason) {
  {
    std::lock_guard<std::mutex> lock(reason_mutex_);
    if (reason_.ok()) reason_ = reason;
  }
  meetings_.fetch_or(kPoison, std::memory_order_seq_cst);
  parking_.wake_all();
}

Status Rendezvous::reason() {
  std::lock_guard<std::mutex> lock(reason_mutex_);
  return reason_;
}

}  // namespace millrace
