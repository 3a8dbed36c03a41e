// What nvidia-smi says of the card while something runs: a rate without its clock and power compares with nothing.
#ifndef MILLRACE_BENCH_CARD_WATCH_H_
#define MILLRACE_BENCH_CARD_WATCH_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

namespace millrace::bench {

// Samples once a second on a thread of its own until stop(). On a machine without nvidia-smi there are no samples.
class CardWatch {
 public:
  struct Medians {
    size_t samples = 0;
    double sm_mhz = 0, memory_mhz = 0, watts = 0, celsius = 0;
  };

  CardWatch() : thread_([this] { watch(); }) {}
  ~CardWatch() { (void)stop(); }
  CardWatch(const CardWatch&) = delete;
  CardWatch& operator=(const CardWatch&) = delete;

  Medians stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    Medians medians;
    medians.samples = samples_[0].size();
    if (medians.samples == 0) return medians;
    double* const fields[] = {&medians.sm_mhz, &medians.memory_mhz, &medians.watts, &medians.celsius};
    for (int i = 0; i < kFields; ++i) {
      std::vector<double>& values = samples_[i];
      std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
      *fields[i] = values[values.size() / 2];
    }
    return medians;
  }

  // "580.159.04", or empty.
  static std::string driver_version() {
    const std::string text = query("driver_version");
    return text.substr(0, text.find('\n'));
  }

 private:
  static constexpr int kFields = 4;

  static std::string query(const char* fields) {
    const std::string command =
        std::string("nvidia-smi --id=0 --format=csv,noheader,nounits --query-gpu=") + fields + " 2>/dev/null";
    std::FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return "";
    std::string text;
    char buffer[256];
    while (std::fgets(buffer, sizeof(buffer), pipe) != nullptr) text += buffer;
    return pclose(pipe) == 0 ? text : "";
  }

  void watch() {
    while (!stopping_) {
      double values[kFields];
      const std::string text = query("clocks.sm,clocks.mem,power.draw,temperature.gpu");
      if (std::sscanf(text.c_str(), "%lf, %lf, %lf, %lf", &values[0], &values[1], &values[2], &values[3]) != kFields) {
        return;
      }
      for (int i = 0; i < kFields; ++i) samples_[i].push_back(values[i]);
      for (int tenth = 0; tenth < 10 && !stopping_; ++tenth) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
  }

  std::atomic<bool> stopping_{false};
  std::vector<double> samples_[kFields];
  std::thread thread_;
};

}  // namespace millrace::bench

#endif  // MILLRACE_BENCH_CARD_WATCH_H_
