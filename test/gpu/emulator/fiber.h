// Fiber: a stack of its own that takes turns with others on one thread of the host.
#ifndef MILLRACE_EMULATOR_FIBER_H_
#define MILLRACE_EMULATOR_FIBER_H_

#include <cstddef>

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulator {

class Fiber {
 public:
  // Where the thread itself stands; filled by the first switch away from it.
  Fiber() = default;

  // Makes the next switch to this fiber call `entry`, which never returns, on stack[0, bytes).
  void start(char* stack, size_t bytes, void (*entry)());

  // Goes on in `to`; returns when something switches back here.
  void switch_to(Fiber& to);

 private:
#if defined(__x86_64__)
  void* stack_pointer_ = nullptr;
#else
  ucontext_t context_;
#endif
};

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_FIBER_H_
