// Context: what every op is given besides its tensors. Stream and Event are opaque to all but the backend that made
// them; a CPU backend finishes its work before it returns, so its streams and events carry nothing.
#ifndef MILLRACE_CORE_CONTEXT_H_
#define MILLRACE_CORE_CONTEXT_H_

#include <cstdint>

#include "core/arena.h"
#include "core/heartbeat.h"
#include "core/thread_pool.h"

namespace millrace {

struct Stream;  // defined by a backend
class Device;

struct Event {
  void* handle = nullptr;  // nullptr: already complete
};

struct Context {
  Device* device = nullptr;    // this rank's (core/device.h)
  Stream* stream = nullptr;    // of the device; null on the CPU
  Arena* scratch = nullptr;    // for an op's own workspace; an op leaves it as it found it
  ThreadPool* pool = nullptr;  // this rank's threads; never shared between ranks
  int work_parts = 0;  // what products are cut into, if not into as many parts as there are threads; not 0: to verify
  // linear_gelu_forward must give the bits of gelu_forward, for GELU is computed again from what was kept; else a
  // backend may apply it before its input is rounded.
  bool gelu_recomputed = false;
  // Products of f32 tensors may round what they read to TF32's 11 bits of significand, on a device that is faster so.
  bool tf32 = false;
  // To verify, room for parts of other ranks' buffers (comm/communicator.h); empty where no communicator needs it.
  Tensor gathered;
  Heartbeat* heartbeat = nullptr;  // this rank's row of the status page, may be null
};

}  // namespace millrace

#endif  // MILLRACE_CORE_CONTEXT_H_
