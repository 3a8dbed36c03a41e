#include "cuda/staging_ring.h"

#include <algorithm>
#include <cstring>

namespace millrace::cuda {

StagingRing::~StagingRing() {
  for (const Piece& piece : in_flight_) {
    (void)cudaEventSynchronize(piece.event);
    (void)cudaEventDestroy(piece.event);
  }
  for (const cudaEvent_t event : idle_) (void)cudaEventDestroy(event);
  if (memory_ != nullptr) (void)cudaFreeHost(memory_);
}

Status StagingRing::open() {
  void* memory = nullptr;
  MR_CUDA(cudaHostAlloc(&memory, kBytes, cudaHostAllocDefault));
  memory_ = static_cast<char*>(memory);
  return ok();
}

Status StagingRing::copy(cudaStream_t stream, void* to, const void* from, size_t bytes, Heartbeat* heartbeat) {
  for (size_t done = 0; done < bytes;) {
    const size_t count = std::min(bytes - done, kPieceBytes);
    MR_RETURN_IF_ERROR(make_room(count, heartbeat));
    char* staged = memory_ + head_ % kBytes;
    std::memcpy(staged, static_cast<const char*>(from) + done, count);
    MR_CUDA(cudaMemcpyAsync(static_cast<char*>(to) + done, staged, count, cudaMemcpyHostToDevice, stream));
    const cudaEvent_t event = idle_.back();
    MR_CUDA(cudaEventRecord(event, stream));
    idle_.pop_back();
    head_ += count;
    in_flight_.push_back(Piece{head_, event});
    ++num_pieces_;
    done += count;
  }
  return ok();
}

Status StagingRing::wait_for(uint64_t pieces, Heartbeat* heartbeat) {
  while (num_pieces_ - in_flight_.size() < pieces) MR_RETURN_IF_ERROR(retire_oldest(heartbeat));
  return ok();
}

// Afterwards `bytes` fit in one run at head_, and an event is idle.
Status StagingRing::make_room(size_t bytes, Heartbeat* heartbeat) {
  while (!in_flight_.empty() && cudaEventQuery(in_flight_.front().event) == cudaSuccess) {
    MR_RETURN_IF_ERROR(retire_oldest(heartbeat));
  }
  (void)cudaGetLastError();  // cudaErrorNotReady is no failure; a failure comes again with the next call
  uint64_t begin = (head_ + kAlignment - 1) / kAlignment * kAlignment;
  if (begin % kBytes + bytes > kBytes) begin = (begin / kBytes + 1) * kBytes;
  while (!in_flight_.empty() && begin + bytes - tail_ > kBytes) MR_RETURN_IF_ERROR(retire_oldest(heartbeat));
  if (in_flight_.empty()) tail_ = begin;
  head_ = begin;
  if (idle_.empty()) {
    cudaEvent_t event = nullptr;
    MR_CUDA(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync));
    idle_.push_back(event);
  }
  return ok();
}

Status StagingRing::retire_oldest(Heartbeat* heartbeat) {
  const Piece piece = in_flight_.front();
  MR_CUDA(cudaEventSynchronize(piece.event));
  in_flight_.pop_front();
  idle_.push_back(piece.event);
  tail_ = piece.end;
  if (heartbeat != nullptr) heartbeat->tick();
  return ok();
}

}  // namespace millrace::cuda
