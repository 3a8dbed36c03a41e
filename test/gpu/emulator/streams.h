// Streams, events and graphs of the emulator. Work is a closure. In eager mode it runs when it is enqueued, in late
// mode when something waits for it, in the order that streams and events demand and in no other. While a stream is
// captured its work is only noted.
#ifndef MILLRACE_EMULATOR_STREAMS_H_
#define MILLRACE_EMULATOR_STREAMS_H_

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "emulator/runtime_api.h"

namespace emulator {

// Runs on a GPU; an error of it is the GPU's from then on.
using Work = std::function<cudaError_t()>;

// A record of work, in an order that respects all its dependencies.
struct Graph {
  int gpu = 0;
  std::vector<Work> works;
};

// A capture under way; all streams that joined it share it.
struct Capture {
  std::shared_ptr<Graph> graph;
  cudaStream_t origin = nullptr;
  std::thread::id thread;
  bool invalidated = false;
};

// One recording of an event.
struct Point {
  cudaStream_t stream = nullptr;  // not looked at once done: it may be gone then
  int gpu = 0;
  bool done = false;
  std::chrono::steady_clock::time_point time;
};

}  // namespace emulator

struct CUstream_st {
  int gpu = 0;
  std::deque<emulator::Work> queue;  // late mode
  std::shared_ptr<emulator::Capture> capture;
};

struct CUevent_st {
  std::shared_ptr<emulator::Point> point;      // the last recording; null: none
  std::shared_ptr<emulator::Capture> capture;  // which recorded it, if any
};

struct CUgraph_st {
  std::shared_ptr<emulator::Graph> graph;
};

struct CUgraphExec_st {
  std::shared_ptr<emulator::Graph> graph;
};

namespace emulator {

// The stream that a null handle stands for, of the current GPU of this thread.
cudaStream_t resolve(cudaStream_t stream);

cudaError_t enqueue(cudaStream_t stream, Work work);
// Runs what is queued; then the error of the stream's GPU. MUST not be called on a captured stream.
cudaError_t drain(cudaStream_t stream);
// Runs until the point is reached.
cudaError_t reach(const Point& point);
void drain_gpu(int gpu);

// True on a thread that captures, in which such a call is forbidden; the capture is invalid then.
bool forbidden_in_capture();

// The current GPU of this thread, and the error that its work left behind.
int& current_gpu();
cudaError_t gpu_error(int gpu);
// Ends a stream: its work is done, and nothing refers to it.
void forget(cudaStream_t stream);
void add(cudaStream_t stream);

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_STREAMS_H_
