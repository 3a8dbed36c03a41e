#include "emulator/fiber.h"

#include <cstdint>
#include <cstring>

#if defined(__x86_64__)

// void emulator_switch_stacks(void** save, void* load): the System V convention keeps these registers over a call.
asm(R"(
  .text
  .globl emulator_switch_stacks
  .hidden emulator_switch_stacks
  .type emulator_switch_stacks, @function
emulator_switch_stacks:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size emulator_switch_stacks, . - emulator_switch_stacks
)");

extern "C" void emulator_switch_stacks(void** save, void* load);

namespace emulator {

// As if `entry` had been called and interrupted: six registers, the return address, and the caller's slot, which leaves
// the stack aligned as a call does.
void Fiber::start(char* stack, size_t bytes, void (*entry)()) {
  constexpr size_t kRegisters = 6;
  uint64_t* top = reinterpret_cast<uint64_t*>(reinterpret_cast<uintptr_t>(stack + bytes) & ~uintptr_t{15});
  uint64_t* frame = top - 2 - kRegisters;
  std::memset(frame, 0, sizeof(uint64_t) * (kRegisters + 2));
  frame[kRegisters] = reinterpret_cast<uint64_t>(entry);
  stack_pointer_ = frame;
}

void Fiber::switch_to(Fiber& to) { emulator_switch_stacks(&stack_pointer_, to.stack_pointer_); }

}  // namespace emulator

#else

namespace emulator {

void Fiber::start(char* stack, size_t bytes, void (*entry)()) {
  (void)getcontext(&context_);
  context_.uc_stack.ss_sp = stack;
  context_.uc_stack.ss_size = bytes;
  context_.uc_link = nullptr;
  makecontext(&context_, entry, 0);
}

void Fiber::switch_to(Fiber& to) { (void)swapcontext(&context_, &to.context_); }

}  // namespace emulator

#endif
