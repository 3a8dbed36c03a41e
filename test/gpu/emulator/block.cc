#include "emulator/block.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "emulator/emulator.h"
#include "emulator/fiber.h"

namespace emulator {

thread_local Lane* lane = nullptr;

namespace {

// Untouched pages of a stack cost nothing.
constexpr size_t kStackBytes = size_t{128} << 10;
constexpr size_t kGuardBytes = size_t{64} << 10;

[[noreturn]] void out_of_memory() {
  std::fputs("emulator: no memory for the stacks of a block\n", stderr);
  std::abort();
}

// Pages that end in pages which cannot be touched, and begin after such.
class GuardedPages {
 public:
  explicit GuardedPages(size_t bytes) : bytes_(bytes) {
    void* base = mmap(nullptr, bytes + 2 * kGuardBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) out_of_memory();
    begin_ = static_cast<char*>(base) + kGuardBytes;
    if (mprotect(begin_, bytes, PROT_READ | PROT_WRITE) != 0) out_of_memory();
  }
  ~GuardedPages() { (void)munmap(begin_ - kGuardBytes, bytes_ + 2 * kGuardBytes); }
  GuardedPages(const GuardedPages&) = delete;
  GuardedPages& operator=(const GuardedPages&) = delete;

  char* begin() const { return begin_; }
  char* end() const { return begin_ + bytes_; }

 private:
  size_t bytes_;
  char* begin_;
};

enum class State : uint8_t { kReady, kAtBlock, kAtWarp, kDone };

struct FiberLane : Lane {
  explicit FiberLane(int lane_index) : Lane{}, number(lane_index), stack(kStackBytes) {}

  const int number;  // in the block
  Fiber fiber;
  GuardedPages stack;
  State state = State::kReady;
  // What it waits for.
  std::source_location where;
  unsigned mask = 0;
  void* brought = nullptr;
  WarpWork work = nullptr;
};

std::string text(const std::source_location& where) {
  const std::string file = where.file_name();
  return file.substr(file.find_last_of('/') + 1) + ":" + std::to_string(where.line());
}
bool same(const std::source_location& a, const std::source_location& b) {
  return a.line() == b.line() && std::strcmp(a.file_name(), b.file_name()) == 0;
}
std::string text(const uint3& index) {
  std::string numbers = std::to_string(index.x);
  numbers += ", " + std::to_string(index.y);
  numbers += ", " + std::to_string(index.z);
  return "(" + numbers + ")";
}

// Numbers 0 to count - 1 in the order of the settings; a new shuffle each time.
class Sequence {
 public:
  void begin_grid() { state_ = settings().seed * 0x9E3779B97F4A7C15u + 0x632BE59BD9B4E019u; }

  const std::vector<uint32_t>& of(size_t count, std::vector<uint32_t>* out) {
    const Order order = settings().order;
    if (out->size() != count || order == Order::kShuffled || order != made_for_) {
      out->resize(count);
      for (size_t i = 0; i < count; ++i) {
        (*out)[i] = static_cast<uint32_t>(order == Order::kBackward ? count - 1 - i : i);
      }
    }
    made_for_ = order;
    if (order == Order::kShuffled) {
      for (size_t i = count; i > 1; --i) std::swap((*out)[i - 1], (*out)[next() % i]);
    }
    return *out;
  }

 private:
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ >> 11;
  }

  uint64_t state_ = 1;
  Order made_for_ = Order::kShuffled;
};

// The fibers of a thread of the host, which runs one block at a time.
class Scheduler {
 public:
  Scheduler() : shared_((kMostSharedBytes + 4095) / 4096 * 4096) {}

  std::string run(const Grid& grid);
  void meet_block(const std::source_location& where);
  void meet_warp(unsigned mask, void* brought, WarpWork work, const std::source_location& where);
  void fail(const std::string& message);
  FiberLane& current() { return *static_cast<FiberLane*>(lane); }
  // For a lane that goes nowhere any more.
  [[noreturn]] void leave();
  void run_body() { grid_->body(); }

 private:
  void run_block(uint3 index);
  void run_warp(size_t begin, size_t end);
  void resume(FiberLane& next);
  void check_barrier();
  void check_stuck(size_t begin, size_t end);

  const Grid* grid_ = nullptr;
  Block block_{};
  std::vector<std::unique_ptr<FiberLane>> lanes_;
  size_t num_lanes_ = 0;
  Fiber main_;
  GuardedPages shared_;
  std::string failure_;
  Sequence sequence_;
  std::vector<uint32_t> warp_order_, lane_order_;
};

Scheduler& scheduler() {
  static thread_local Scheduler one;
  return one;
}

void lane_entry() {
  scheduler().run_body();
  scheduler().leave();
}

std::string Scheduler::run(const Grid& grid) {
  grid_ = &grid;
  failure_.clear();
  sequence_.begin_grid();
  num_lanes_ = grid.block_size.x * grid.block_size.y * grid.block_size.z;
  while (lanes_.size() < num_lanes_) lanes_.push_back(std::make_unique<FiberLane>(static_cast<int>(lanes_.size())));
  // The end of what was asked for is where the guard begins, as far as the alignment allows.
  block_.dynamic_shared = reinterpret_cast<unsigned char*>(shared_.end() - (grid.shared_bytes + 127) / 128 * 128);
  block_.grid_size = grid.grid_size;
  block_.block_size = grid.block_size;
  const uint64_t columns = grid.grid_size.x, rows = grid.grid_size.y;
  const uint64_t count = columns * rows * grid.grid_size.z;
  std::vector<uint32_t> block_order;
  sequence_.of(count, &block_order);
  for (size_t i = 0; i < count && failure_.empty(); ++i) {
    const uint64_t b = block_order[i];
    run_block(uint3{static_cast<unsigned>(b % columns), static_cast<unsigned>(b / columns % rows),
                    static_cast<unsigned>(b / columns / rows)});
  }
  grid_ = nullptr;
  return failure_;
}

void Scheduler::run_block(uint3 index) {
  block_.index = index;
  std::memset(block_.dynamic_shared, 0xff, grid_->shared_bytes);  // not numbers
  for (size_t i = 0; i < num_lanes_; ++i) {
    FiberLane& each = *lanes_[i];
    const unsigned at = static_cast<unsigned>(i);
    const dim3& size = grid_->block_size;
    each.block = &block_;
    each.index = uint3{at % size.x, at / size.x % size.y, at / size.x / size.y};
    each.copies.clear();
    each.copy_groups = 0;
    each.state = State::kReady;
    each.fiber.start(each.stack.begin(), kStackBytes, lane_entry);
  }
  const size_t num_warps = (num_lanes_ + kWarpSize - 1) / kWarpSize;
  for (;;) {
    for (const uint32_t warp : sequence_.of(num_warps, &warp_order_)) {
      run_warp(warp * kWarpSize, std::min<size_t>((warp + 1) * kWarpSize, num_lanes_));
      if (!failure_.empty()) return;
    }
    bool ended = true;
    for (size_t i = 0; i < num_lanes_; ++i) ended = ended && lanes_[i]->state == State::kDone;
    if (ended) return;
    check_barrier();
    if (!failure_.empty()) return;
    for (size_t i = 0; i < num_lanes_; ++i) lanes_[i]->state = State::kReady;
  }
}

// Until all lanes of the warp have ended or wait for the block.
void Scheduler::run_warp(size_t begin, size_t end) {
  for (bool ran = true; ran;) {
    ran = false;
    for (const uint32_t i : sequence_.of(end - begin, &lane_order_)) {
      FiberLane& next = *lanes_[begin + i];
      if (next.state != State::kReady) continue;
      resume(next);
      if (!failure_.empty()) return;
      ran = true;
    }
  }
  check_stuck(begin, end);
}

void Scheduler::resume(FiberLane& next) {
  lane = &next;
  main_.switch_to(next.fiber);
  lane = nullptr;
}

void Scheduler::check_stuck(size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    const FiberLane& stuck = *lanes_[i];
    if (stuck.state != State::kAtWarp) continue;
    std::string missing;
    for (int l = 0; l < kWarpSize; ++l) {
      const size_t peer = begin + static_cast<size_t>(l);
      const bool named = (stuck.mask >> l & 1u) != 0;
      if (!named || (peer < end && lanes_[peer]->state == State::kAtWarp)) continue;
      missing += (missing.empty() ? "" : ", ") + std::to_string(l) + (peer < end ? "" : " (not in the block)");
    }
    fail("an operation of a warp at " + text(stuck.where) + " names lanes that do not take part: " + missing);
    return;
  }
}

// Every lane is at a barrier or has ended.
void Scheduler::check_barrier() {
  const FiberLane* waiting = nullptr;
  for (size_t i = 0; i < num_lanes_; ++i) {
    if (lanes_[i]->state == State::kAtBlock) waiting = lanes_[i].get();
  }
  for (size_t i = 0; i < num_lanes_; ++i) {
    const FiberLane& other = *lanes_[i];
    if (other.state == State::kDone) {
      fail("barrier divergence: thread " + text(waiting->index) + " waits at " + text(waiting->where) + ", thread " +
           text(other.index) + " has ended");
      return;
    }
    if (!same(other.where, waiting->where)) {
      fail("barrier divergence: thread " + text(waiting->index) + " waits at " + text(waiting->where) + ", thread " +
           text(other.index) + " at " + text(other.where));
      return;
    }
  }
}

void Scheduler::meet_block(const std::source_location& where) {
  FiberLane& own = current();
  own.state = State::kAtBlock;
  own.where = where;
  own.fiber.switch_to(main_);
}

void Scheduler::meet_warp(unsigned mask, void* brought, WarpWork work, const std::source_location& where) {
  FiberLane& own = current();
  const size_t first = static_cast<size_t>(own.number) / kWarpSize * kWarpSize;
  if ((mask >> (own.number % kWarpSize) & 1u) == 0) {
    return fail("an operation of a warp at " + text(where) + " is called by a lane that its mask does not name");
  }
  own.mask = mask;
  own.brought = brought;
  own.work = work;
  own.where = where;
  void* all[kWarpSize] = {};
  bool complete = true;
  for (size_t l = 0; l < kWarpSize; ++l) {
    if ((mask >> l & 1u) == 0) continue;
    if (first + l >= num_lanes_) {
      complete = false;
      continue;
    }
    const FiberLane& peer = *lanes_[first + l];
    if (&peer != &own && peer.state != State::kAtWarp) {
      complete = false;
      continue;
    }
    if (peer.mask != mask || peer.work != work || !same(peer.where, where)) {
      return fail("warp divergence: lane " + std::to_string(own.number % kWarpSize) + " is at " + text(where) +
                  ", lane " + std::to_string(l) + " of its mask at " + text(peer.where));
    }
    all[l] = peer.brought;
  }
  if (!complete) {
    own.state = State::kAtWarp;
    own.fiber.switch_to(main_);
    return;
  }
  work(all, mask);
  if (!failure_.empty()) leave();
  for (size_t l = 0; l < kWarpSize; ++l) {
    if ((mask >> l & 1u) != 0) lanes_[first + l]->state = State::kReady;
  }
}

void Scheduler::fail(const std::string& message) {
  if (!failure_.empty()) return;
  failure_ = "block " + text(block_.index);
  if (lane != nullptr) failure_ += ", thread " + text(lane->index);
  failure_ += ": " + message;
  if (lane != nullptr) leave();
}

void Scheduler::leave() {
  FiberLane& own = current();
  own.state = State::kDone;
  own.fiber.switch_to(main_);
  std::abort();  // nothing resumes it
}

[[maybe_unused]] void leave_lane() { scheduler().leave(); }

}  // namespace

void meet_block(std::source_location where) { scheduler().meet_block(where); }

void meet_warp(unsigned mask, void* brought, WarpWork work, std::source_location where) {
  scheduler().meet_warp(mask, brought, work, where);
}

void fail_kernel(const std::string& message) { scheduler().fail(message); }

int lane_number() { return scheduler().current().number % kWarpSize; }

std::string run_grid(const Grid& grid) { return scheduler().run(grid); }

// The interrupted lane continues at leave_lane(), from the beginning of its stack: it may have been at the end.
bool abandon_lane([[maybe_unused]] void* signal_context, [[maybe_unused]] const std::string& message) {
#if defined(__x86_64__)
  Scheduler& own = scheduler();
  Lane* interrupted = lane;
  lane = nullptr;  // only note the failure here
  own.fail("thread " + text(interrupted->index) + ": " + message);
  lane = interrupted;
  const uintptr_t top = reinterpret_cast<uintptr_t>(own.current().stack.end()) & ~uintptr_t{15};
  auto* context = static_cast<ucontext_t*>(signal_context);
  context->uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(top - 8);
  context->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&leave_lane);
  return true;
#else
  return false;
#endif
}

}  // namespace emulator
