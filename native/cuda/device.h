// CudaDevice: one rank's view of a GPU behind core/device.h: its memory, its stream, its copies and its recorded work.
#ifndef MILLRACE_CUDA_DEVICE_H_
#define MILLRACE_CUDA_DEVICE_H_

#include <array>
#include <cstdint>
#include <unordered_map>

#include "core/device.h"
#include "cuda/runtime.h"
#include "cuda/staging_ring.h"
#include "cuda/stopwatch.h"

namespace millrace::cuda {

class CudaDevice : public Device {
 public:
  explicit CudaDevice(bool exclusive) : exclusive_(exclusive) {}
  ~CudaDevice() override;
  Status open(int gpu);

  Stream* stream() override { return &stream_; }
  Status allocate(size_t bytes, void** out) override;
  void release(void* memory, size_t bytes) override;
  Status allocate_host(size_t bytes, void** out) override;
  void release_host(void* memory, size_t bytes) override;
  Status to_device(Context&, void* to, const void* from, size_t bytes) override;
  Status to_host(Context&, void* to, const void* from, size_t bytes) override;
  Status wait(Context&) override;
  Status mark(Context&, Event* out) override;
  Status wait_for(const Event&) override;
  Status replay(Context&, uint64_t key, const std::function<Status()>& work) override;
  int steps_ahead() const override { return 1; }
  std::unique_ptr<Stopwatch> stopwatch() override { return event_stopwatch(stream_); }

 private:
  // What is known of the work of a key: that it ran once, and later how to run it again.
  struct Record {
    bool ran = false;
    cudaGraphExec_t graph = nullptr;
  };
  // A point of the stream, and how many pieces were staged before it.
  struct Mark {
    cudaEvent_t event = nullptr;
    uint64_t pieces = 0;
  };

  Status record(const std::function<Status()>& work, cudaGraphExec_t* out);
  Status reach(const Mark& mark, Heartbeat* heartbeat);

  const bool exclusive_;
  Stream stream_;
  StagingRing staging_;
  std::array<Mark, 3> marks_;  // two outstanding, and the one that wait() uses
  size_t next_mark_ = 0;
  Heartbeat* heartbeat_ = nullptr;  // of the rank whose context made the last mark
  std::unordered_map<uint64_t, Record> records_;
};

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_DEVICE_H_
