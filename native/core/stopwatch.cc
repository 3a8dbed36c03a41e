#include "core/stopwatch.h"

#include <chrono>

namespace millrace {

namespace {

class HostStopwatch : public Stopwatch {
 public:
  Status lap(Context&) override {
    points_.push_back(Clock::now());
    return ok();
  }
  size_t num_laps() const override { return points_.size(); }
  Status read(Context&, std::vector<double>* seconds) override {
    seconds->clear();
    for (size_t i = 1; i < points_.size(); ++i) {
      seconds->push_back(std::chrono::duration<double>(points_[i] - points_[i - 1]).count());
    }
    points_.clear();
    return ok();
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> points_;
};

}  // namespace

std::unique_ptr<Stopwatch> host_stopwatch() { return std::make_unique<HostStopwatch>(); }

}  // namespace millrace
