// Tells addresses of the host's heap and stacks from other numbers. A GPU cannot follow them, but here a kernel could.
#include <pthread.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "emulator/device_memory.h"
#include "emulator/kernel_launch.h"

namespace emulator {

namespace {

struct Range {
  uint64_t begin, end;
  bool holds(uint64_t word) const { return begin <= word && word < end; }
};

Range stack_of_thread() {
  pthread_attr_t attributes;
  void* base = nullptr;
  size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return Range{0, 0};
  (void)pthread_attr_getstack(&attributes, &base, &bytes);
  (void)pthread_attr_destroy(&attributes);
  const uint64_t begin = reinterpret_cast<uint64_t>(base);
  return Range{begin, begin + bytes};
}

// The first byte that the heap grew from, as far as can be told: the program's data ends before it.
uint64_t heap_begin() {
  static const uint64_t begin = reinterpret_cast<uint64_t>(sbrk(0)) - (uint64_t{1} << 20);
  return begin;
}

}  // namespace

bool points_to_host(uint64_t word) {
  static thread_local const Range stack = stack_of_thread();
  if (stack.holds(word)) return true;
  const Range heap{heap_begin(), reinterpret_cast<uint64_t>(sbrk(0))};
  return heap.holds(word) && place_of(reinterpret_cast<const void*>(word)) == Place::kHost;
}

}  // namespace emulator
