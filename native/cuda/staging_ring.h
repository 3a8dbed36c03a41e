// StagingRing: page-locked memory through which bytes go to the GPU, so that the caller may change them at once and the
// copy still runs behind the host. Also the device's sign of progress: a piece that has left is work that was done.
#ifndef MILLRACE_CUDA_STAGING_RING_H_
#define MILLRACE_CUDA_STAGING_RING_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "core/heartbeat.h"
#include "cuda/runtime.h"

namespace millrace::cuda {

class StagingRing {
 public:
  StagingRing() = default;
  ~StagingRing();
  StagingRing(const StagingRing&) = delete;
  StagingRing& operator=(const StagingRing&) = delete;

  Status open();

  // Enqueues the copy of `bytes` on `stream`; returns when `from` has been read. Waits only when the ring is full.
  Status copy(cudaStream_t stream, void* to, const void* from, size_t bytes, Heartbeat* heartbeat);

  // Pieces enqueued so far, and waiting until the first `pieces` of them have left: a life sign for each.
  uint64_t num_pieces() const { return num_pieces_; }
  Status wait_for(uint64_t pieces, Heartbeat* heartbeat);

 private:
  //   position:    tail_ ........... head_          both only grow; byte p is memory_[p % kBytes]
  //   pieces:      [end, event][end, event]...      in flight, oldest first
  struct Piece {
    uint64_t end;
    cudaEvent_t event;
  };
  static constexpr size_t kBytes = size_t{16} << 20;
  static constexpr size_t kPieceBytes = kBytes / 4;
  static constexpr size_t kAlignment = 64;

  Status make_room(size_t bytes, Heartbeat* heartbeat);
  Status retire_oldest(Heartbeat* heartbeat);

  char* memory_ = nullptr;
  uint64_t head_ = 0;
  uint64_t tail_ = 0;
  uint64_t num_pieces_ = 0;
  std::deque<Piece> in_flight_;
  std::vector<cudaEvent_t> idle_;
};

}  // namespace millrace::cuda

#endif  // MILLRACE_CUDA_STAGING_RING_H_
