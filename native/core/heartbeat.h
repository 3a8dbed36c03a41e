// Heartbeat: the one writer of a rank's row of the status page (millrace/status_page.h).
#ifndef MILLRACE_CORE_HEARTBEAT_H_
#define MILLRACE_CORE_HEARTBEAT_H_

#include <atomic>
#include <cstdint>

#include "millrace/status_page.h"

namespace millrace {

class Heartbeat {
 public:
  // `row` is borrowed and outlives this object; null makes every call a no-op.
  explicit Heartbeat(mr_status_row* row = nullptr) : row_(row) {}

  // Life signs of a long op; safe from any thread of the rank's pool.
  void tick() {
    if (row_ != nullptr) std::atomic_ref<uint64_t>(row_->ticks).fetch_add(1, std::memory_order_relaxed);
  }
  void set_step(uint64_t step);
  void set_state(mr_rank_state state);
  // Names what the rank does now ("layer 3 mlp forward") and ticks. Truncated to 127 bytes.
  void set_operation(const char* format, ...) __attribute__((format(printf, 2, 3)));
  // Called by a communicator on entering and on leaving a collective.
  void enter_collective();
  void leave_collective();

 private:
  mr_status_row* row_;
};

}  // namespace millrace

#endif  // MILLRACE_CORE_HEARTBEAT_H_
