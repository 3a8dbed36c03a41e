// What becomes of a bad access: in a kernel it ends the kernel with a report, in the host's code, on device memory, it
// ends the process with one.
#ifndef MILLRACE_EMULATOR_FAULTS_H_
#define MILLRACE_EMULATOR_FAULTS_H_

namespace emulator {

// Handles the signals of this process, and gives the calling thread a stack for them. Cheap to call again.
void watch_faults();

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_FAULTS_H_
