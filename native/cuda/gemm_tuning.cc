// Timing algorithms on the device. Outputs that accumulate are written elsewhere meanwhile.
#include <algorithm>
#include <numeric>

#include "cuda/gemm_plan.h"

namespace millrace::cuda {

namespace {

constexpr int kFirstLook = 3;    // runs of every candidate, after one that is not counted
constexpr int kFinalists = 4;    // of which so many
constexpr int kSecondLook = 10;  // run so many times more

class Timer {
 public:
  Timer() = default;
  ~Timer() {
    if (begin_ != nullptr) (void)cudaEventDestroy(begin_);
    if (end_ != nullptr) (void)cudaEventDestroy(end_);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  Status create() {
    MR_CUDA(cudaEventCreate(&begin_));
    MR_CUDA(cudaEventCreate(&end_));
    return ok();
  }

  // The mean of `runs` after one that is not counted. Waits for the stream.
  Status measure(Stream& stream, int runs, const std::function<Status()>& enqueue, float* milliseconds) {
    MR_RETURN_IF_ERROR(enqueue());
    MR_CUDA(cudaEventRecord(begin_, stream.handle));
    for (int run = 0; run < runs; ++run) MR_RETURN_IF_ERROR(enqueue());
    MR_CUDA(cudaEventRecord(end_, stream.handle));
    MR_CUDA(cudaEventSynchronize(end_));
    MR_CUDA(cudaEventElapsedTime(milliseconds, begin_, end_));
    *milliseconds /= static_cast<float>(runs);
    return ok();
  }

 private:
  cudaEvent_t begin_ = nullptr;
  cudaEvent_t end_ = nullptr;
};

// Where the product goes while it is timed: its own place if that is overwritten, or memory from the driver for that
// time, since the arena is planned for steps, not for this.
class Target {
 public:
  explicit Target(const Gemm& gemm) {
    if (!gemm.accumulate) {
      data_ = gemm.out.data;
    } else if (cudaMalloc(&borrowed_, gemm.out.size_bytes()) == cudaSuccess) {
      data_ = borrowed_;
    } else {
      (void)cudaGetLastError();  // too little memory is an answer here
    }
  }
  ~Target() {
    if (borrowed_ != nullptr) (void)cudaFree(borrowed_);
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  void* borrowed_ = nullptr;
};

// Given back at once: while products are timed nobody else allocates.
Status borrow_workspace(Context& context, void** out) {
  const size_t mark = context.scratch->mark();
  MR_RETURN_IF_ERROR(alloc_workspace(context, out));
  context.scratch->release(mark);
  return ok();
}

}  // namespace

Status fastest(Context& context, GemmState& state, const GemmPlan& plan, const Gemm& gemm,
               const std::vector<Algorithm>& candidates, size_t* winner, bool* measured) {
  *winner = 0;
  const Target target(gemm);
  *measured = target.data() != nullptr;
  if (!*measured) return ok();
  void* workspace = nullptr;
  MR_RETURN_IF_ERROR(borrow_workspace(context, &workspace));
  Stream& stream = stream_of(context);
  Timer timer;
  MR_RETURN_IF_ERROR(timer.create());
  const auto look = [&](size_t candidate, int runs, float* milliseconds) {
    return timer.measure(
        stream, runs,
        [&] { return plan.run(stream, state.handle, gemm, target.data(), candidates[candidate], workspace); },
        milliseconds);
  };

  std::vector<float> times(candidates.size());
  std::vector<size_t> order;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (context.heartbeat != nullptr) context.heartbeat->tick();
    // What the library offers and then refuses is not taken.
    if (look(i, kFirstLook, &times[i]).ok()) order.push_back(i);
  }
  if (order.empty())
    return internal_error("cuBLASLt refused each of its " + std::to_string(candidates.size()) +
                          " algorithms for a product");
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return times[a] < times[b]; });
  order.resize(std::min<size_t>(order.size(), kFinalists));
  if (order.size() > 1) {
    for (const size_t i : order) MR_RETURN_IF_ERROR(look(i, kSecondLook, &times[i]));
  }
  *winner = *std::min_element(order.begin(), order.end(), [&](size_t a, size_t b) { return times[a] < times[b]; });
  return ok();
}

Status time_of(Context& context, GemmState& state, const GemmPlan& plan, const Gemm& gemm, float* milliseconds,
               bool* measured) {
  const Target target(gemm);
  *measured = target.data() != nullptr;
  if (!*measured) return ok();
  void* workspace = nullptr;
  MR_RETURN_IF_ERROR(borrow_workspace(context, &workspace));
  Stream& stream = stream_of(context);
  return time_of(
      stream, [&] { return plan.run(stream, state.handle, gemm, target.data(), plan.algorithm, workspace); },
      milliseconds);
}

Status time_of(Stream& stream, const std::function<Status()>& enqueue, float* milliseconds) {
  Timer timer;
  MR_RETURN_IF_ERROR(timer.create());
  return timer.measure(stream, kSecondLook, enqueue, milliseconds);
}

}  // namespace millrace::cuda
