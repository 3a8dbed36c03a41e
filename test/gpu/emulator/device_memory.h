// The memory of the emulated GPUs. Fresh memory holds no numbers (all bits set); its end is a page that cannot be
// touched, up to 255 bytes of padding that are checked when it is released. While nothing runs on a GPU its memory
// cannot be touched at all, so a host that dereferences a tensor is found at once.
#ifndef MILLRACE_EMULATOR_DEVICE_MEMORY_H_
#define MILLRACE_EMULATOR_DEVICE_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace emulator {

// Null when the GPU is full.
void* allocate_on(int gpu, size_t bytes);
// False if it is not the beginning of an allocation; ends the process if its padding was written to.
bool release_device_memory(void* memory);
size_t free_bytes_of(int gpu);

void* allocate_pinned(size_t bytes);
bool release_pinned(void* memory);

enum class Place { kHost, kPinned, kDevice };
Place place_of(const void* address);
// Empty, or what is wrong with [address, address + bytes) of device memory.
std::string check_range(const void* address, size_t bytes);
// "byte 12 past the end of an allocation of 400 bytes on GPU 0"; empty where no GPU's memory is near.
std::string describe_address(uintptr_t address);

// The memory of `gpu`, and of the peers that were enabled, may be touched while one of these lives.
class DeviceAccess {
 public:
  explicit DeviceAccess(int gpu);
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;

 private:
  uint64_t gpus_;
};

// Lets kernels on `gpu` reach the memory of `peer`; false if they already may.
bool enable_peer(int gpu, int peer);

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_DEVICE_MEMORY_H_
