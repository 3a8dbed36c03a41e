// A small training run for tests: all ranks of it in this process, with a policy of the parallel layers that a test may
// break.
#ifndef MILLRACE_TEST_RANK_GROUP_H_
#define MILLRACE_TEST_RANK_GROUP_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "api/backend.h"
#include "api/mesh.h"
#include "api/rank_threads.h"
#include "core/backend.h"
#include "core/half.h"
#include "learnable_text.h"
#include "train/rank.h"

namespace millrace::testing {

// Layers, heads and vocabulary that 1, 2 and 4 ranks can share; padding on the last rank.
inline TrainerConfig small_config() {
  TrainerConfig config;
  config.model.num_layers = 2;
  config.model.hidden_size = 32;
  config.model.num_heads = 4;
  config.model.context_length = 16;
  config.model.vocab_size = 100;
  config.model.padded_vocab_size = 128;
  config.sequence_length = 12;
  config.micro_batch = 2;
  config.global_batch = 4;
  config.dropout = 0.1f;
  config.seed = 7;
  config.schedule.decay = Decay::kConstant;
  config.schedule.peak = 1.5e-4;
  config.optimizer.weight_decay = 0.01;
  config.optimizer.clip_norm = 1.0;
  return config;
}

struct TestBatch : LearnableText {
  TestBatch(const TrainerConfig& config, int64_t step)
      : LearnableText(config.global_batch, config.sequence_length, config.model.vocab_size, step) {}
};

using TensorMap = std::map<std::string, std::vector<double>>;

class RankGroup {
 public:
  // `placed` may put others in the place of a rank's communicators.
  RankGroup(
      const TrainerConfig& config, const OpTable& ops, const ParallelPolicy& policy = ParallelPolicy::standard(),
      const std::function<Place(Place)>& placed = [](Place place) { return place; })
      : config_(config), threads_(config.world()) {
    ranks_.resize(static_cast<size_t>(config.world()));
    const Status joined = mesh_.create(ops, config.tensor_parallel, config.data_parallel, config.verify_parallel);
    EXPECT_TRUE(joined.ok()) << joined.message();
    const Status status = threads_.run([&](int r) -> Status {
      std::shared_ptr<Device> device;
      MR_RETURN_IF_ERROR(open_device(ops, r, config.world(), &device));
      return Rank::create(config, ops, placed(mesh_.place_of(r)), std::move(device), nullptr, policy,
                          &ranks_[static_cast<size_t>(r)]);
    });
    EXPECT_TRUE(status.ok()) << status.message();
  }
  // A rank's memory is freed by the thread that made it.
  ~RankGroup() {
    (void)threads_.run([this](int r) {
      ranks_[static_cast<size_t>(r)].reset();
      return ok();
    });
  }

  const TrainerConfig& config() const { return config_; }
  Rank& rank(int r) { return *ranks_[static_cast<size_t>(r)]; }

  Status run(const std::function<Status(Rank&)>& work, bool collective = true) {
    return threads_.run([&](int r) { return rank(r).run(collective, work); });
  }
  void must(const std::function<Status(Rank&)>& work) {
    const Status status = run(work);
    ASSERT_TRUE(status.ok()) << status.message();
  }

  StepResult step(int64_t number) { return step(TestBatch(config_, number)); }
  StepResult step(const TestBatch& batch) {
    StepResult result;
    must([&](Rank& rank) -> Status {
      StepResult own;
      MR_RETURN_IF_ERROR(rank.step(batch.tokens.data(), batch.samples.data(), &own));
      if (rank.place().rank == 0) result = own;
      return ok();
    });
    return result;
  }
  // Gradients of batch `number` and its loss, without an update.
  double gradients(int64_t number) {
    const TestBatch batch(config_, number);
    double loss = 0;
    must([&](Rank& rank) -> Status {
      double own = 0;
      int64_t tokens = 0;
      MR_RETURN_IF_ERROR(rank.gradients(batch.tokens.data(), batch.samples.data(), number, &own, &tokens));
      if (rank.place().rank == 0) loss = own;
      return ok();
    });
    return loss;
  }
  double dropout_loss(int64_t number) {
    const TestBatch batch(config_, number);
    double loss = 0;
    must([&](Rank& rank) -> Status {
      double own = 0;
      MR_RETURN_IF_ERROR(rank.dropout_loss(batch.tokens.data(), batch.samples.data(), number, &own));
      if (rank.place().rank == 0) loss = own;
      return ok();
    });
    return loss;
  }
  double gradient_norm() {
    double norm = 0;
    must([&](Rank& rank) -> Status {
      double own = 0;
      MR_RETURN_IF_ERROR(rank.gradient_norm(&own));
      if (rank.place().rank == 0) norm = own;
      return ok();
    });
    return norm;
  }

  // Logical tensors by name, put together from the ranks of data-parallel group 0.
  TensorMap gather(Tensor Parameter::*tensor) {
    TensorMap all;
    for (int r = 0; r < config_.tensor_parallel; ++r) {
      for (const Parameter& parameter : rank(r).model().parameters().all()) {
        std::vector<double>& whole = all[parameter.spec.name];
        whole.resize(static_cast<size_t>(parameter.spec.num_elements()), std::nan(""));
        const std::vector<double> own = read(r, parameter.*tensor);
        for_each_run(parameter.spec, r, config_.tensor_parallel, [&](const ShardRun& run) {
          std::copy_n(own.begin() + run.local, run.count, whole.begin() + run.logical);
        });
      }
    }
    return all;
  }

  // Adds delta(logical) to every logical element of a parameter, on every rank that holds it.
  void change(const std::string& name, const std::function<double(int64_t logical)>& delta) {
    must([&](Rank& rank) -> Status {
      const Parameter* parameter = rank.model().parameters().find(name);
      std::vector<double> values;
      MR_RETURN_IF_ERROR(read_on_thread(rank, parameter->master, &values));
      for_each_run(parameter->spec, rank.place().tensor_rank, config_.tensor_parallel, [&](const ShardRun& run) {
        for (int64_t i = 0; i < run.count; ++i) values[static_cast<size_t>(run.local + i)] += delta(run.logical + i);
      });
      RankEnv& env = rank.env();
      Device& device = *env.context->device;
      if (parameter->master.dtype == DType::kF64) {
        MR_RETURN_IF_ERROR(
            device.to_device(*env.context, parameter->master.data, values.data(), parameter->master.size_bytes()));
      } else {
        const std::vector<float> narrow(values.begin(), values.end());
        MR_RETURN_IF_ERROR(
            device.to_device(*env.context, parameter->master.data, narrow.data(), parameter->master.size_bytes()));
      }
      MR_RETURN_IF_ERROR(env.ops->cast(*env.context, parameter->value, parameter->master));
      return device.wait(*env.context);
    });
  }

  // Adds `delta` to one logical element.
  void nudge(const std::string& name, int64_t logical, double delta) {
    change(name, [&](int64_t i) { return i == logical ? delta : 0.0; });
  }

  // Biases start at zero, where a bias that enters p times would not be seen; this moves every parameter off its start.
  void disturb() {
    for (const Parameter& parameter : rank(0).model().parameters().all()) {
      change(parameter.spec.name, [](int64_t i) { return 0.05 * std::sin(static_cast<double>(i) * 12.9898 + 78.233); });
    }
  }

  // A rank's own part of a tensor.
  std::vector<double> read(int r, Tensor tensor) {
    std::vector<double> values;
    const Status status =
        threads_.run([&](int each) { return each == r ? read_on_thread(rank(r), tensor, &values) : ok(); });
    EXPECT_TRUE(status.ok()) << status.message();
    return values;
  }

 private:
  static Status read_on_thread(Rank& rank, Tensor tensor, std::vector<double>* out) {
    Context& context = *rank.env().context;
    std::vector<char> bytes(tensor.size_bytes());
    MR_RETURN_IF_ERROR(context.device->to_host(context, bytes.data(), tensor.data, bytes.size()));
    MR_RETURN_IF_ERROR(context.device->wait(context));
    tensor.data = bytes.data();
    out->resize(static_cast<size_t>(tensor.num_elements()));
    for (int64_t i = 0; i < tensor.num_elements(); ++i) (*out)[static_cast<size_t>(i)] = element(tensor, i);
    return ok();
  }

  static double element(Tensor tensor, int64_t i) {
    if (tensor.dtype == DType::kF64) return tensor.as<double>()[i];
    if (tensor.dtype == DType::kBF16) return static_cast<double>(tensor.as<BFloat16>()[i]);
    if (tensor.dtype == DType::kF16) return static_cast<double>(tensor.as<Float16>()[i]);
    return static_cast<double>(tensor.as<float>()[i]);
  }

  TrainerConfig config_;
  Mesh mesh_;
  RankThreads threads_;
  std::vector<std::unique_ptr<Rank>> ranks_;
};

// Largest difference of any element over the largest value, of the worst tensor.
inline double worst_difference(const TensorMap& a, const TensorMap& b) {
  double worst = 0;
  for (const auto& [name, left] : a) {
    const std::vector<double>& right = b.at(name);
    double difference = 0, largest = 1e-30;
    for (size_t i = 0; i < left.size(); ++i) {
      difference = std::max(difference, std::abs(left[i] - right[i]));
      largest = std::max(largest, std::abs(left[i]));
    }
    worst = std::max(worst, difference / largest);
  }
  return worst;
}

// The backends of this build in fp32, the reference first.
inline std::vector<const OpTable*> fp32_backends() {
  std::vector<const OpTable*> tables{reference_backend(DType::kF32)};
  if (cpu_backend(DType::kF32) != nullptr) tables.push_back(cpu_backend(DType::kF32));
  return tables;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_RANK_GROUP_H_
