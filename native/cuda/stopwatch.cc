#include "cuda/stopwatch.h"

namespace millrace::cuda {

namespace {

class EventStopwatch : public Stopwatch {
 public:
  explicit EventStopwatch(Stream& stream) : stream_(stream) {}
  ~EventStopwatch() override {
    for (const cudaEvent_t event : events_) (void)cudaEventDestroy(event);
  }
  EventStopwatch(const EventStopwatch&) = delete;
  EventStopwatch& operator=(const EventStopwatch&) = delete;

  Status lap(Context&) override {
    if (num_laps_ == events_.size()) {
      cudaEvent_t event = nullptr;
      MR_CUDA(cudaEventCreate(&event));
      events_.push_back(event);
    }
    MR_CUDA(cudaEventRecord(events_[num_laps_], stream_.handle));
    ++num_laps_;
    return ok();
  }
  size_t num_laps() const override { return num_laps_; }

  Status read(Context&, std::vector<double>* seconds) override {
    seconds->clear();
    if (num_laps_ > 0) MR_CUDA(cudaEventSynchronize(events_[num_laps_ - 1]));
    for (size_t i = 1; i < num_laps_; ++i) {
      float milliseconds = 0;
      MR_CUDA(cudaEventElapsedTime(&milliseconds, events_[i - 1], events_[i]));
      seconds->push_back(static_cast<double>(milliseconds) * 1e-3);
    }
    num_laps_ = 0;
    return ok();
  }

 private:
  Stream& stream_;
  std::vector<cudaEvent_t> events_;
  size_t num_laps_ = 0;
};

}  // namespace

std::unique_ptr<Stopwatch> event_stopwatch(Stream& stream) { return std::make_unique<EventStopwatch>(stream); }

}  // namespace millrace::cuda
