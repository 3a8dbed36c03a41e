#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "core/device.h"

namespace millrace {

namespace {

// What one thread copies at a time; more threads than one matter only for large tensors.
constexpr int64_t kCopyGrainBytes = int64_t{1} << 20;

class HostDevice : public Device {
 public:
  Stream* stream() override { return nullptr; }

  // Fresh pages come zeroed and become resident when first touched, by the thread that touches them.
  Status allocate(size_t bytes, void** out) override {
    const size_t size = std::max<size_t>(bytes, 1);
    void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
      return Status(MR_OUT_OF_MEMORY, "expected " + std::to_string(bytes) + " bytes of memory, got none");
    }
#if defined(MADV_HUGEPAGE)
    // Large pages save matrix products many misses of the address cache. Only advice: a refusal changes nothing.
    (void)madvise(base, size, MADV_HUGEPAGE);
#endif
    *out = base;
    return ok();
  }
  void release(void* memory, size_t bytes) override { (void)munmap(memory, std::max<size_t>(bytes, 1)); }
  Status allocate_host(size_t bytes, void** out) override { return allocate(bytes, out); }
  void release_host(void* memory, size_t bytes) override { release(memory, bytes); }

  Status to_device(Context& context, void* to, const void* from, size_t bytes) override {
    return copy(context, to, from, bytes);
  }
  Status to_host(Context& context, void* to, const void* from, size_t bytes) override {
    return copy(context, to, from, bytes);
  }

  Status wait(Context&) override { return ok(); }
  Status mark(Context&, Event* out) override {
    *out = Event{};
    return ok();
  }
  Status wait_for(const Event&) override { return ok(); }
  Status replay(Context&, uint64_t, const std::function<Status()>& work) override { return work(); }
  int steps_ahead() const override { return 0; }

 private:
  static Status copy(Context& context, void* to, const void* from, size_t bytes) {
    const auto copy_range = [&](int64_t begin, int64_t end) {
      std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                  static_cast<size_t>(end - begin));
    };
    const int64_t count = static_cast<int64_t>(bytes);
    if (context.pool == nullptr || count <= kCopyGrainBytes) {
      if (count > 0) copy_range(0, count);
    } else {
      context.pool->parallel_for(count, kCopyGrainBytes, copy_range);
    }
    return ok();
  }
};

}  // namespace

Device& host_device() {
  static HostDevice device;
  return device;
}

}  // namespace millrace
