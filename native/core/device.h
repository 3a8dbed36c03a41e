// Device: where a rank's tensors live and what runs its ops: this machine's memory and processor, or a GPU. One object
// a rank, used by that rank's thread alone. Ops and collectives know their own kind of device; everything above them
// (model/, train/) sees tensors as opaque and reaches their bytes only by the copies below.
#ifndef MILLRACE_CORE_DEVICE_H_
#define MILLRACE_CORE_DEVICE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/context.h"
#include "core/status.h"
#include "core/stopwatch.h"

namespace millrace {

class Device {
 public:
  virtual ~Device() = default;

  // What contexts of this rank carry; null on the CPU.
  virtual Stream* stream() = 0;

  // Zero-filled memory for tensors, aligned to Arena::kAlignment; MR_OUT_OF_MEMORY says how much was asked for.
  virtual Status allocate(size_t bytes, void** out) = 0;
  virtual void release(void* memory, size_t bytes) = 0;
  // The same on this machine's side, for copies at full speed: page-locked where there is a GPU.
  virtual Status allocate_host(size_t bytes, void** out) = 0;
  virtual void release_host(void* memory, size_t bytes) = 0;

  // Copies between this machine's memory and tensors, in the order of the stream. to_device: `from` may be changed as
  // soon as the call returns. to_host: `to` holds the bytes once wait() has returned, or the event is complete.
  virtual Status to_device(Context&, void* to, const void* from, size_t bytes) = 0;
  virtual Status to_host(Context&, void* to, const void* from, size_t bytes) = 0;

  // Waits until all that was enqueued is done; the first error of any of it.
  virtual Status wait(Context&) = 0;
  // A point of the stream, and waiting for it alone. At most two are outstanding; they complete in order.
  virtual Status mark(Context&, Event* out) = 0;
  virtual Status wait_for(const Event&) = 0;

  // Runs `work`, which only enqueues and whose enqueued work depends on `key`, on device memory and on nothing else. A
  // device may record it, and on a later call with the same key run the record instead of `work`.
  virtual Status replay(Context&, uint64_t key, const std::function<Status()>& work) = 0;

  // How many steps the host may be ahead of the device before it must have read a result: 0 where a call returns when
  // its work is done.
  virtual int steps_ahead() const = 0;

  // Times points of the stream; used on the rank's thread, destroyed before the device.
  virtual std::unique_ptr<Stopwatch> stopwatch() { return host_stopwatch(); }
};

// This machine's memory: copies are memcpy, everything is complete on return. Stateless, shared by all ranks.
Device& host_device();
// The same for those who keep what they were given: a GPU lives until its last user is gone.
inline std::shared_ptr<Device> shared_host_device() { return {std::shared_ptr<Device>(), &host_device()}; }

}  // namespace millrace

#endif  // MILLRACE_CORE_DEVICE_H_
