#include "core/heartbeat.h"

#include <chrono>
#include <cstdarg>
#include <cstdio>

namespace millrace {

namespace {

template <class T>
void store(T& field, T value) {
  std::atomic_ref<T>(field).store(value, std::memory_order_relaxed);
}

}  // namespace

void Heartbeat::set_step(uint64_t step) {
  if (row_ == nullptr) return;
  store(row_->step, step);
  tick();
}

void Heartbeat::set_state(mr_rank_state state) {
  if (row_ == nullptr) return;
  store(row_->state, static_cast<uint32_t>(state));
  tick();
}

void Heartbeat::set_operation(const char* format, ...) {
  if (row_ == nullptr) return;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(row_->operation, sizeof(row_->operation), format, arguments);
  va_end(arguments);
  // steady_clock is CLOCK_MONOTONIC, as the page promises.
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  store(row_->changed_ns, static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count()));
  tick();
}

void Heartbeat::enter_collective() {
  if (row_ == nullptr) return;
  std::atomic_ref<uint64_t>(row_->collective_seq).fetch_add(1, std::memory_order_relaxed);
  set_state(MR_RANK_WAITING);
}

void Heartbeat::leave_collective() { set_state(MR_RANK_COMPUTING); }

}  // namespace millrace
