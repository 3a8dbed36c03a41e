// What the emulated NCCL is to do wrong, and what became of its communicators. For tests.
#ifndef MILLRACE_EMULATOR_NCCL_FAULTS_H_
#define MILLRACE_EMULATOR_NCCL_FAULTS_H_

#include <atomic>

namespace emulator {

struct NcclFaults {
  std::atomic<int> questions{3};       // that are answered "in progress" before anything is done
  std::atomic<bool> stalls{false};     // nothing is ever done
  std::atomic<bool> processes{false};  // unique ids are for ranks that are processes
  std::atomic<int> failing_rank{-1};   // has an asynchronous error
  std::atomic<int> live{0};            // communicators neither destroyed nor aborted
  std::atomic<int> aborted{0};         // so far
  std::atomic<int> destroyed{0};       // so far
};

NcclFaults& nccl_faults();

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_NCCL_FAULTS_H_
