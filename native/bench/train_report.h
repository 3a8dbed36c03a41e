// What train-bench measured, as lines to read and as JSON.
#ifndef MILLRACE_BENCH_TRAIN_REPORT_H_
#define MILLRACE_BENCH_TRAIN_REPORT_H_

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "bench/card_watch.h"
#include "bench/flops.h"
#include "millrace/device.h"
#include "millrace/trainer.h"

namespace millrace::bench {

struct TrainReport {
  struct Row {
    std::string name;
    int64_t calls;
    double seconds;
  };

  std::string model;
  mr_trainer_config config{};
  mr_memory_plan plan{};
  mr_device_facts facts{};
  int64_t tokens_per_step = 0;
  int64_t micro_batches = 0;  // a data-parallel rank's, of a step
  std::vector<double> step_seconds;
  std::vector<Row> rows;  // of the profiled step
  double product_rate = 0;
  int64_t product_size = 0;
  uint64_t card_bytes = 0;  // taken from the card by the run, libraries included
  CardWatch::Medians card;

  bool on_gpu() const { return facts.memory_bytes > 0; }

  void describe(const std::string& name, const mr_trainer_config& settings, const mr_memory_plan& memory) {
    model = name;
    config = settings;
    plan = memory;
    tokens_per_step = static_cast<int64_t>(config.global_batch) * config.sequence_length;
    micro_batches = config.global_batch / (static_cast<int64_t>(config.micro_batch) * config.data_parallel);
  }

  double tokens_per_second() const {
    if (step_seconds.empty()) return 0;
    std::vector<double> sorted = step_seconds;
    std::sort(sorted.begin(), sorted.end());
    const size_t n = sorted.size();
    const double median = n % 2 == 1 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    return static_cast<double>(tokens_per_step) / median;
  }
  double flops_per_second(Attention attention) const {
    return tokens_per_second() * flops_per_token(config.model, config.sequence_length, attention);
  }
  // Of the data sheet's rate; 0 where that is not known.
  double mfu(Attention attention) const {
    const double rate = datasheet_rate(facts.name, config.precision);
    return rate > 0 ? flops_per_second(attention) / rate : 0;
  }

  void print_plan() const {
    std::printf("%s on %s, %s: %.1f M parameters, %.1f MB a rank, %.1f MB of it activations\n", model.c_str(),
                facts.name, config.precision, static_cast<double>(plan.num_parameters) * 1e-6,
                static_cast<double>(plan.total_bytes) * 1e-6, static_cast<double>(plan.activation_bytes) * 1e-6);
    std::fflush(stdout);
  }

  void print() const {
    print_rows();
    if (on_gpu()) {
      std::printf("memory: %.2f GB planned, %.2f GB taken from the card\n",
                  static_cast<double>(plan.total_bytes) * 1e-9, static_cast<double>(card_bytes) * 1e-9);
    }
    if (card.samples > 0) {
      std::printf("card: %.0f MHz, memory %.0f MHz, %.0f W, %.0f C (medians of %zu samples)\n", card.sm_mhz,
                  card.memory_mhz, card.watts, card.celsius, card.samples);
    }
    if (step_seconds.empty()) return;
    std::printf(
        "%zu steps of %lld tokens in %lld micro-batches: median %.0f tokens/s, %.1f GFLOP/s causal, %.1f full\n",
        step_seconds.size(), static_cast<long long>(tokens_per_step), static_cast<long long>(micro_batches),
        tokens_per_second(), flops_per_second(Attention::kCausal) * 1e-9, flops_per_second(Attention::kFull) * 1e-9);
    if (mfu(Attention::kCausal) > 0) {
      std::printf("MFU %.1f %% causal, %.1f %% full, of the data sheet's %.1f TFLOP/s\n", 100 * mfu(Attention::kCausal),
                  100 * mfu(Attention::kFull), datasheet_rate(facts.name, config.precision) * 1e-12);
    }
    if (product_rate > 0) {
      std::printf("of the %.1f GFLOP/s of products of size %lld in this run: %.1f %% causal, %.1f %% full\n",
                  product_rate * 1e-9, static_cast<long long>(product_size),
                  100 * flops_per_second(Attention::kCausal) / product_rate,
                  100 * flops_per_second(Attention::kFull) / product_rate);
    }
  }

  // True when there is nothing to write, too.
  bool write_json(const std::string& path) const {
    if (path.empty()) return true;
    std::FILE* file = std::fopen(path.c_str(), "w");
    if (file == nullptr) {
      std::fprintf(stderr, "expected to write %s, got an error\n", path.c_str());
      return false;
    }
    write_fields(file);
    return std::fclose(file) == 0;
  }

 private:
  void print_rows() const {
    double total = 0;
    for (const Row& row : rows) total += row.seconds;
    if (rows.empty()) return;
    std::printf("%-58s %8s %10s %8s\n", "where a step's time goes", "calls", "ms", "share");
    for (const Row& row : rows) {
      std::printf("%-58s %8lld %10.3f %6.1f %%\n", row.name.c_str(), static_cast<long long>(row.calls),
                  row.seconds * 1e3, 100 * row.seconds / total);
    }
  }

  void write_fields(std::FILE* file) const {
    char date[32];
    const std::time_t now = std::time(nullptr);
    std::strftime(date, sizeof(date), "%Y-%m-%d", std::gmtime(&now));
    std::fprintf(file, "{\"side\": \"millrace\", \"card\": \"%s\", \"date\": \"%s\", \"driver\": \"%s\",\n", facts.name,
                 date, on_gpu() ? CardWatch::driver_version().c_str() : "");
    std::fprintf(file, " \"cuda_driver\": %d, \"cuda_runtime\": %d, \"cublas_lt\": %d, \"cudnn\": %d, \"nccl\": %d,\n",
                 facts.driver, facts.runtime, facts.cublas_lt, facts.cudnn, facts.nccl);
    std::fprintf(file, " \"model\": \"%s\", \"precision\": \"%s\", \"dropout\": %g, \"tp\": %d, \"dp\": %d,\n",
                 model.c_str(), config.precision, config.dropout, config.tensor_parallel, config.data_parallel);
    std::fprintf(file, " \"micro_batch\": %d, \"seq\": %d, \"micro_batches\": %lld, \"tokens_per_step\": %lld,\n",
                 config.micro_batch, config.sequence_length, static_cast<long long>(micro_batches),
                 static_cast<long long>(tokens_per_step));
    std::fprintf(file, " \"tokens_per_s\": %.1f, \"mfu_causal\": %.5f, \"mfu_full\": %.5f,\n", tokens_per_second(),
                 mfu(Attention::kCausal), mfu(Attention::kFull));
    std::fprintf(file, " \"flops_per_s_causal\": %.6e, \"flops_per_s_full\": %.6e, \"product_flops_per_s\": %.6e,\n",
                 flops_per_second(Attention::kCausal), flops_per_second(Attention::kFull), product_rate);
    std::fprintf(file, " \"planned_bytes\": %llu, \"card_bytes\": %llu,\n",
                 static_cast<unsigned long long>(plan.total_bytes), static_cast<unsigned long long>(card_bytes));
    std::fprintf(file, " \"sm_mhz\": %g, \"memory_mhz\": %g, \"watts\": %g, \"celsius\": %g,\n", card.sm_mhz,
                 card.memory_mhz, card.watts, card.celsius);
    std::fprintf(file, " \"step_seconds\": [");
    for (size_t i = 0; i < step_seconds.size(); ++i) {
      std::fprintf(file, "%s%.6f", i == 0 ? "" : ", ", step_seconds[i]);
    }
    std::fprintf(file, "],\n \"ops\": [");
    for (size_t i = 0; i < rows.size(); ++i) {
      std::fprintf(file, "%s\n  {\"name\": \"%s\", \"calls\": %lld, \"seconds\": %.6e}", i == 0 ? "" : ",",
                   rows[i].name.c_str(), static_cast<long long>(rows[i].calls), rows[i].seconds);
    }
    std::fprintf(file, "]}\n");
  }
};

}  // namespace millrace::bench

#endif  // MILLRACE_BENCH_TRAIN_REPORT_H_
