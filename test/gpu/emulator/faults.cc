#include "emulator/faults.h"

#include <signal.h>
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "emulator/block.h"
#include "emulator/device_memory.h"

namespace emulator {

namespace {

constexpr std::array<int, 4> kSignals{SIGSEGV, SIGBUS, SIGILL, SIGFPE};
constexpr size_t kSignalStackBytes = size_t{64} << 10;
struct sigaction previous[kSignals.size()];

// An access to an address that no x86-64 process has, or one whose misalignment the processor noticed, comes without
// the address.
std::string explain(int signal, uintptr_t address) {
  if (signal == SIGILL) {
    return "a misaligned access, an index past the end of an array, an overflow or another check of the compiler "
           "failed";
  }
  if (signal == SIGFPE) return "a division by zero";
  const std::string near = describe_address(address);
  char text[32];
  std::snprintf(text, sizeof(text), "%#zx", static_cast<size_t>(address));
  return std::string("an access to ") + text + ": " + (near.empty() ? "no device memory is near" : near);
}

// Synchronous: the interrupted code is a kernel's or the host's own, not an allocator that holds a lock.
void on_fault(int signal, siginfo_t* info, void* context) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(info->si_addr);
  if (lane != nullptr && abandon_lane(context, explain(signal, address))) return;
  if (signal == SIGSEGV || signal == SIGBUS) {
    const std::string near = describe_address(address);
    if (!near.empty()) {
      std::fprintf(stderr, "emulator: the host touches device memory: %s\n", near.c_str());
      std::abort();
    }
  }
  // Not ours: whoever was there before gets it when the instruction runs again.
  for (size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) (void)sigaction(signal, &previous[i], nullptr);
  }
}

struct SignalStack {
  SignalStack() : memory(new char[kSignalStackBytes]) {
    stack_t stack{};
    stack.ss_sp = memory.get();
    stack.ss_size = kSignalStackBytes;
    (void)sigaltstack(&stack, nullptr);
  }
  ~SignalStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    (void)sigaltstack(&none, nullptr);
  }
  std::unique_ptr<char[]> memory;
};

}  // namespace

void watch_faults() {
  static const bool installed = [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (size_t i = 0; i < kSignals.size(); ++i) (void)sigaction(kSignals[i], &action, &previous[i]);
    return true;
  }();
  static thread_local const SignalStack stack;
  (void)installed;
  (void)stack;
}

}  // namespace emulator
