// What a test changes on the emulated machine, put back at its end, and its ranks' devices.
#ifndef MILLRACE_TEST_EMULATED_MACHINE_H_
#define MILLRACE_TEST_EMULATED_MACHINE_H_

#include <cuda_runtime.h>

#include <map>
#include <memory>
#include <mutex>

#include "core/backend.h"
#include "emulator/emulator.h"

namespace millrace::testing {

class EmulatedMachine {
 public:
  EmulatedMachine() : before_(emulator::settings()) {}
  EmulatedMachine(int num_gpus, bool late, bool peers = true) : EmulatedMachine() {
    emulator::settings().num_gpus = num_gpus;
    emulator::settings().late = late;
    emulator::settings().peers = peers;
  }
  ~EmulatedMachine() {
    devices_.clear();
    emulator::settings() = before_;
    emulator::reset();
  }
  EmulatedMachine(const EmulatedMachine&) = delete;
  EmulatedMachine& operator=(const EmulatedMachine&) = delete;

  // The device of a rank for the calling thread, opened once: page-locked memory takes its time.
  Status open(int rank, int gpu, std::shared_ptr<Device>* out) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Device>& device = devices_[rank];
    if (device == nullptr) {
      std::unique_ptr<Device> opened;
      MR_RETURN_IF_ERROR(open_cuda_device(gpu, false, &opened));
      device = std::move(opened);
    } else if (cudaSetDevice(gpu) != cudaSuccess) {
      return internal_error("no GPU of that number");
    }
    *out = device;
    return ok();
  }

 private:
  const emulator::Settings before_;
  std::mutex mutex_;
  std::map<int, std::shared_ptr<Device>> devices_;
};

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_EMULATED_MACHINE_H_
