// train-bench: training speed without Node: tokens a second of whole steps, their share of the card's rate, where a
// step's time goes, memory planned and used. Tokens are uniform over the vocabulary: they serve to time, the loss means
// nothing.
//
//   train-bench --model tiny|gpt2-124m|gpt2-355m|gpt2-1.2b --device cpu|cuda|reference --precision fp32|bf16|fp16
//               --steps N | --seconds N | --micro-steps N   (whole steps, after --warmup N that are not counted)
//               --micro-batch N --batch N | --tokens-per-step N --seq N --dropout P --recompute none|selective|full
//               --tp N --dp N --threads N
//               --profile 1      one more step, op by op on the device's clock
//               --product N      the rate of N x N x N products in the same run, beside which that of steps is put
//               --json FILE      all of it
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/bench_options.h"
#include "bench/card_watch.h"
#include "bench/flops.h"
#include "bench/train_report.h"
#include "millrace/device.h"

namespace {

using millrace::bench::CardWatch;
using millrace::bench::fail;
using millrace::bench::Options;
using millrace::bench::TrainReport;

bool set_recompute(const std::string& name, mr_recompute* recompute) {
  if (name == "none") *recompute = MR_RECOMPUTE_NONE;
  if (name == "selective") *recompute = MR_RECOMPUTE_SELECTIVE;
  if (name == "full") *recompute = MR_RECOMPUTE_FULL;
  return name == "none" || name == "selective" || name == "full";
}

bool read_config(const Options& options, mr_trainer_config* config) {
  *config = millrace::bench::trainer_config(options);
  config->precision = options.text("precision").c_str();
  // A scale that fits: the first steps of a real run are skipped until one is found.
  if (options.text("precision") == "fp16") config->loss_scale = mr_loss_scale{4096, 1, 1000, 2};
  config->tensor_parallel = options.number("tp");
  const int tokens = options.number("tokens-per-step");
  if (tokens > 0) config->global_batch = tokens / config->sequence_length;
  if (config->tensor_parallel < 1 || !millrace::bench::set_model(options.text("model"), 1024, &config->model)) {
    std::fprintf(stderr, "expected a model's name for --model and at least 1 for --tp\n");
    return false;
  }
  if (tokens > 0 && tokens % config->sequence_length != 0) {
    std::fprintf(stderr, "expected a multiple of --seq for --tokens-per-step, got %d\n", tokens);
    return false;
  }
  if (set_recompute(options.text("recompute"), &config->recompute)) return true;
  std::fprintf(stderr, "expected none, selective or full for --recompute, got %s\n", options.text("recompute").c_str());
  return false;
}

// Batches that never repeat a sample number.
class Batches {
 public:
  explicit Batches(const mr_trainer_config& config)
      : vocab_size_(static_cast<uint32_t>(config.model.vocab_size)),
        tokens_(static_cast<size_t>(config.global_batch) * static_cast<size_t>(config.sequence_length + 1)),
        samples_(static_cast<size_t>(config.global_batch)) {}

  void next() {
    for (int32_t& token : tokens_) {
      state_ = state_ * 1664525u + 1013904223u;
      token = static_cast<int32_t>((state_ >> 8) % vocab_size_);
    }
    for (int64_t& sample : samples_) sample = next_sample_++;
  }
  const int32_t* tokens() const { return tokens_.data(); }
  const int64_t* samples() const { return samples_.data(); }

 private:
  uint32_t vocab_size_;
  uint32_t state_ = 12345;
  int64_t next_sample_ = 0;
  std::vector<int32_t> tokens_;
  std::vector<int64_t> samples_;
};

// Steps as a run takes them: the next is submitted before the last is collected, where the device works on its own.
class StepLoop {
 public:
  StepLoop(mr_trainer* trainer, Batches& batches, TrainReport* report, int warmup)
      : trainer_(trainer), batches_(batches), report_(report), uncounted_(warmup) {}

  mr_code begin() { return mr_trainer_steps_ahead(trainer_, &ahead_); }
  mr_code step() {
    batches_.next();
    if (const mr_code code = mr_trainer_submit(trainer_, batches_.tokens(), batches_.samples()); code != MR_OK) {
      return code;
    }
    ++outstanding_;
    return outstanding_ > ahead_ ? collect() : MR_OK;
  }
  mr_code finish() {
    while (outstanding_ > 0) {
      if (const mr_code code = collect(); code != MR_OK) return code;
    }
    return MR_OK;
  }
  // Counted steps that are done or under way, and the seconds of those that are done.
  int64_t steps() const { return static_cast<int64_t>(report_->step_seconds.size()) + outstanding_ - uncounted_; }
  double seconds() const { return seconds_; }

 private:
  mr_code collect() {
    mr_step_result result;
    if (const mr_code code = mr_trainer_collect(trainer_, &result); code != MR_OK) return code;
    --outstanding_;
    const bool counted = uncounted_ == 0;
    if (counted) {
      report_->step_seconds.push_back(result.seconds);
      seconds_ += result.seconds;
    } else {
      --uncounted_;
    }
    std::printf("step %lld%s loss %.4f  %.0f tokens/s  communication %.1f %%\n", static_cast<long long>(result.step),
                counted ? "" : " (not counted)", result.loss,
                static_cast<double>(report_->tokens_per_step) / result.seconds,
                100.0 * result.communication_seconds / result.seconds);
    return MR_OK;
  }

  mr_trainer* trainer_;
  Batches& batches_;
  TrainReport* report_;
  int uncounted_;
  int32_t ahead_ = 0;
  int outstanding_ = 0;
  double seconds_ = 0;
};

// Whole steps until as many of them, of micro-batches or of seconds have passed as the options ask for.
mr_code run_steps(const Options& options, mr_trainer* trainer, Batches& batches, TrainReport* report) {
  const double seconds = options.real("seconds");
  const int64_t micro_steps = options.number("micro-steps");
  int64_t steps = options.number("steps");
  if (micro_steps > 0) steps = (micro_steps + report->micro_batches - 1) / report->micro_batches;
  StepLoop loop(trainer, batches, report, options.number("warmup"));
  if (const mr_code code = loop.begin(); code != MR_OK) return code;
  while (seconds > 0 ? loop.steps() < 1 || loop.seconds() < seconds : loop.steps() < steps) {
    if (const mr_code code = loop.step(); code != MR_OK) return code;
  }
  return loop.finish();
}

mr_code profile(mr_trainer* trainer, Batches& batches, TrainReport* report) {
  batches.next();
  mr_step_result result;
  const mr_op_time* rows = nullptr;
  int64_t count = 0;
  const mr_code code = mr_trainer_profile(trainer, batches.tokens(), batches.samples(), &result, &rows, &count);
  if (code != MR_OK) return code;
  for (int64_t i = 0; i < count; ++i) report->rows.push_back({rows[i].name, rows[i].calls, rows[i].seconds});
  return MR_OK;
}

struct Trainer {
  mr_trainer* handle = nullptr;
  ~Trainer() { mr_trainer_destroy(handle); }
};

uint64_t free_bytes(const mr_trainer_config& config) {
  mr_device_facts facts;
  return mr_device_facts_of(config.backend, 0, &facts) == MR_OK ? facts.free_bytes : 0;
}

int train(const Options& options, const mr_trainer_config& config, TrainReport* report) {
  const uint64_t free_before = free_bytes(config);
  Trainer trainer;
  if (mr_trainer_create(&config, &trainer.handle) != MR_OK) return fail("create");
  Batches batches(config);
  std::unique_ptr<CardWatch> watch;
  if (report->on_gpu()) watch = std::make_unique<CardWatch>();
  if (run_steps(options, trainer.handle, batches, report) != MR_OK) return fail("step");
  if (watch != nullptr) report->card = watch->stop();
  const uint64_t free_after = free_bytes(config);
  report->card_bytes = free_before > free_after ? free_before - free_after : 0;
  if (options.number("profile") != 0 && profile(trainer.handle, batches, report) != MR_OK) return fail("profile");
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  Options options("train-bench", {{"model", "tiny"},        {"tp", "1"},        {"dp", "1"},
                                  {"threads", "0"},         {"steps", "5"},     {"seconds", "0"},
                                  {"micro-steps", "0"},     {"warmup", "1"},    {"micro-batch", "4"},
                                  {"batch", "4"},           {"seq", "128"},     {"tokens-per-step", "0"},
                                  {"backend", "cpu"},       {"dropout", "0.1"}, {"recompute", "none"},
                                  {"precision", "fp32"},    {"profile", "0"},   {"product", "0"},
                                  {"product-seconds", "1"}, {"json", ""}});
  options.alias("device", "backend");
  if (!options.parse(count, arguments)) return 2;
  mr_trainer_config config{};
  if (!read_config(options, &config)) return 2;

  TrainReport report;
  mr_memory_plan plan;
  if (mr_trainer_plan(&config, &plan) != MR_OK) return fail("plan");
  if (mr_device_facts_of(config.backend, 0, &report.facts) != MR_OK) return fail("device");
  report.describe(options.text("model"), config, plan);
  report.print_plan();
  if (const int status = train(options, config, &report); status != 0) return status;

  const int64_t size = options.number("product");
  if (size > 0 && mr_device_product_rate(config.backend, config.precision, size, options.real("product-seconds"),
                                         &report.product_rate) != MR_OK) {
    return fail("product");
  }
  report.product_size = size;
  report.print();
  return report.write_json(options.text("json")) ? 0 : 1;
}
