// parallel-bench: what tensor parallelism changes in the numbers and what --verify-parallel costs, without Node. For
// every number of ranks that the model's heads allow, an ordinary and a verified run take their steps in turn, so that
// their times compare on a busy machine. Prints
//   - the largest difference of the loss from TP 1, beside that of TP 1 from itself when only the order of its sums
//     changes: over rows (those of each batch rotated) and over columns, as ranks share them (the verified run),
//   - whether losses and parameters of the verified runs have the same bits,
//   - the time of a verified step over that of an ordinary one: median, and quartiles, of the pairs.
//
//   parallel-bench --model tiny|gpt2-124m --steps N --most-ranks N --lr X --threads N --micro-batch N --batch N --seq N
//                  --backend cpu|reference --dropout P --dp N
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

#include "bench/bench_options.h"

namespace {

using millrace::bench::Options;

// Learnable text: each token mostly decides the next. Sample numbers are global and never repeat.
struct Batch {
  std::vector<int32_t> tokens;
  std::vector<int64_t> samples;

  Batch(const mr_trainer_config& config, int64_t step, int rotation) {
    uint32_t state = static_cast<uint32_t>(step) * 747796405u + 2891336453u;
    const auto next = [&state] { return (state = state * 1664525u + 1013904223u) >> 8; };
    const uint32_t vocab = static_cast<uint32_t>(config.model.vocab_size);
    for (int64_t row = 0; row < config.global_batch; ++row) {
      samples.push_back(step * config.global_batch + row);
      // Few of the ids are common, as in text.
      uint32_t token = next() % 1000;
      for (int64_t t = 0; t <= config.sequence_length; ++t) {
        tokens.push_back(static_cast<int32_t>(token));
        token = next() % 4 == 0 ? next() % vocab : (token * 5 + 3) % 1000;
      }
    }
    std::rotate(samples.begin(), samples.begin() + rotation, samples.end());
    std::rotate(tokens.begin(), tokens.begin() + rotation * (config.sequence_length + 1), tokens.end());
  }
};

struct Trainer {
  explicit Trainer(mr_trainer_config settings) : config(settings) {
    if (mr_trainer_create(&config, &handle) != MR_OK) std::exit(millrace::bench::fail("create"));
  }
  ~Trainer() { mr_trainer_destroy(handle); }
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  void step(int64_t number, int rotation) {
    const Batch batch(config, number, rotation);
    mr_step_result result;
    if (mr_trainer_step(handle, batch.tokens.data(), batch.samples.data(), &result) != MR_OK) {
      std::exit(millrace::bench::fail("step"));
    }
    losses.push_back(result.loss);
    seconds.push_back(result.seconds);
  }

  std::vector<float> parameters() const {
    int64_t count = 0;
    std::vector<float> all;
    mr_trainer_tensor_count(handle, &count);
    for (int64_t i = 0; i < count; ++i) {
      const char* name = nullptr;
      int64_t rows = 0, columns = 0;
      mr_trainer_tensor_info(handle, i, &name, &rows, &columns);
      const size_t size = static_cast<size_t>(rows * columns);
      all.resize(all.size() + size);
      mr_trainer_read_tensor(handle, "parameter", name, all.data() + all.size() - size, size);
    }
    return all;
  }

  mr_trainer_config config;
  mr_trainer* handle = nullptr;
  std::vector<double> losses, seconds;
};

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1) + 0.5)];
}

struct Pair {
  std::vector<double> ordinary, verified;  // losses
  std::vector<float> parameters;           // of the verified run
  std::vector<double> ratios;              // verified over ordinary, step by step
};

Pair run_pair(mr_trainer_config config, int steps) {
  config.verify_parallel = 0;
  Trainer ordinary(config);
  config.verify_parallel = 1;
  Trainer verified(config);
  Pair pair;
  for (int step = 1; step <= steps; ++step) {
    ordinary.step(step, 0);
    verified.step(step, 0);
    pair.ratios.push_back(verified.seconds.back() / ordinary.seconds.back());
  }
  pair.ordinary = ordinary.losses;
  pair.verified = verified.losses;
  pair.parameters = verified.parameters();
  return pair;
}

// One rank from itself.
double difference_from_itself(mr_trainer_config config, const Pair& one) {
  config.verify_parallel = 0;
  double largest = largest_difference(one.ordinary, one.verified);
  for (int rotation = 1; rotation < config.global_batch; ++rotation) {
    Trainer trainer(config);
    for (size_t step = 1; step <= one.ordinary.size(); ++step) trainer.step(static_cast<int64_t>(step), rotation);
    largest = std::max(largest, largest_difference(one.ordinary, trainer.losses));
  }
  return largest;
}

}  // namespace

int main(int count, char** arguments) {
  Options options("parallel-bench", {{"model", "tiny"},
                                     {"steps", "100"},
                                     {"most-ranks", "8"},
                                     {"lr", "1.5e-4"},
                                     {"dp", "1"},
                                     {"threads", "0"},
                                     {"micro-batch", "4"},
                                     {"batch", "4"},
                                     {"seq", "128"},
                                     {"backend", "cpu"},
                                     {"dropout", "0.1"}});
  if (!options.parse(count, arguments)) return 2;
  mr_trainer_config config = millrace::bench::trainer_config(options);
  config.learning_rate = options.real("lr");
  if (!millrace::bench::set_model(options.text("model"), 128 * 8, &config.model)) {
    std::fprintf(stderr, "expected tiny or gpt2-124m for --model\n");
    return 2;
  }
  const int steps = options.number("steps");
  Pair one;
  for (int ranks = 1; ranks <= options.number("most-ranks"); ranks *= 2) {
    config.tensor_parallel = ranks;
    mr_memory_plan plan;
    config.verify_parallel = 1;
    if (mr_trainer_plan(&config, &plan) != MR_OK) {
      std::printf("TP %d: %s\n", ranks, mr_last_error());
      break;
    }
    const Pair pair = run_pair(config, steps);
    std::printf("TP %d: a verified step takes %.2f times an ordinary one (quartiles %.2f to %.2f)", ranks,
                quantile(pair.ratios, 0.5), quantile(pair.ratios, 0.25), quantile(pair.ratios, 0.75));
    if (ranks == 1) {
      one = pair;
      std::printf("; loss %.4f to %.4f; in another order of sums the loss differs by %.2e\n", pair.ordinary.front(),
                  pair.ordinary.back(), difference_from_itself(config, pair));
    } else {
      const bool same = pair.verified == one.verified && pair.parameters == one.parameters;
      std::printf("; ordinary: loss differs from TP 1 by %.2e; verified: %s\n",
                  largest_difference(pair.ordinary, one.ordinary),
                  same ? "the same bits as TP 1" : "OTHER BITS than TP 1");
      if (!same) return 1;
    }
    std::fflush(stdout);
  }
  return 0;
}
