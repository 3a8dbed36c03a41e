// Recorded work gives the bits of work that is enqueued call by call, and so do steps that the host runs ahead of. Both
// below the C API, which has no switch for either.
#include <cstring>
#include <memory>

#include "gpu_check.h"
#include "gpu_device.h"
#include "model/parallel.h"
#include "train/rank.h"

#if defined(MILLRACE_CUDA)
#include "cuda/runtime.h"
#endif

namespace millrace::testing {

namespace {

struct Kind {
  const char* name;
  DType dtype;
  float dropout;  // 0: attention may be the library's
};
constexpr Kind kKinds[] = {
    {"bf16", DType::kBF16, 0.1f}, {"fp16", DType::kF16, 0.1f}, {"bf16 no dropout", DType::kBF16, 0.0f}};

// Work that cannot be recorded runs plainly, with the same bits; only the device knows.
Status check_recorded([[maybe_unused]] Device& device) {
#if defined(MILLRACE_CUDA)
  if (device.stream() != nullptr) return device.stream()->not_recorded;
#endif
  return ok();
}

TrainerConfig replay_config(const CheckOptions& options, const Kind& kind) {
  TrainerConfig config;
  config.model.num_layers = 2;
  config.model.hidden_size = options.quick ? 32 : 128;
  config.model.num_heads = 2;
  config.model.context_length = 64;
  config.model.vocab_size = 200;
  config.model.padded_vocab_size = 1024;
  config.dtype = kind.dtype;
  config.threads_per_rank = 2;
  config.sequence_length = options.quick ? 12 : 60;
  config.micro_batch = 2;
  config.global_batch = 4;
  config.dropout = kind.dropout;
  config.seed = 7;
  config.schedule.decay = Decay::kConstant;
  config.schedule.peak = 1e-3;
  config.optimizer.weight_decay = 0.01;
  config.optimizer.clip_norm = 1.0;
  config.loss_scale.dynamic = kind.dtype == DType::kF16;
  config.loss_scale.initial =
      options.quick ? 0x1p21 : 0x1p24;  // overflows, so that steps behind a skipped one are held
  return config;
}

struct Batch {
  std::vector<int32_t> tokens;
  std::vector<int64_t> samples;

  Batch(const TrainerConfig& config, int64_t step) {
    uint32_t state = static_cast<uint32_t>(step) * 747796405u + 2891336453u;
    for (int64_t i = 0; i < config.global_batch * (config.sequence_length + 1); ++i) {
      state = state * 1664525u + 1013904223u;
      tokens.push_back(static_cast<int32_t>((state >> 8) % static_cast<uint32_t>(config.model.vocab_size)));
    }
    for (int64_t row = 0; row < config.global_batch; ++row) samples.push_back(step * config.global_batch + row);
  }
};

struct Trace {
  std::vector<double> losses, norms, scales;
  std::vector<char> masters;
  int skipped = 0;
};

// `exclusive`: the device may record. `ahead`: the next step is submitted before the last is collected.
Status trace(const CheckOptions& options, const Kind& kind, bool exclusive, bool ahead, int steps, Trace* out) {
  const TrainerConfig config = replay_config(options, kind);
  const OpTable* table = backend_of(options.backend, kind.dtype);
  MR_CHECK(table != nullptr);
  std::shared_ptr<Device> device;
  MR_RETURN_IF_ERROR(open_device(options.backend, exclusive, &device));
  std::unique_ptr<Rank> rank;
  MR_RETURN_IF_ERROR(
      Rank::create(config, *table, Place::of(0, 1, 1), device, nullptr, ParallelPolicy::standard(), &rank));
  const auto collect = [&]() -> Status {
    StepResult result;
    MR_RETURN_IF_ERROR(rank->collect(&result));
    out->losses.push_back(result.loss);
    out->norms.push_back(result.gradient_norm);
    out->scales.push_back(result.loss_scale);
    out->skipped += result.skipped ? 1 : 0;
    return ok();
  };
  const int most = ahead ? rank->steps_ahead() : 0;
  for (int step = 1; step <= steps; ++step) {
    const Batch batch(config, step);
    MR_RETURN_IF_ERROR(rank->submit(batch.tokens.data(), batch.samples.data()));
    if (rank->num_outstanding() > most) MR_RETURN_IF_ERROR(collect());
  }
  while (rank->num_outstanding() > 0) MR_RETURN_IF_ERROR(collect());
  MR_RETURN_IF_ERROR(check_recorded(*device));
  const Tensor masters = rank->model().parameters().masters();
  Context context;
  context.device = device.get();
  context.stream = device->stream();
  out->masters.resize(masters.size_bytes());
  MR_RETURN_IF_ERROR(device->to_host(context, out->masters.data(), masters.data, masters.size_bytes()));
  return device->wait(context);
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

double num_different(const Trace& a, const Trace& b) {
  return (same_bits(a.losses, b.losses) ? 0 : 1) + (same_bits(a.norms, b.norms) ? 0 : 1) +
         (same_bits(a.scales, b.scales) ? 0 : 1) + (a.masters == b.masters ? 0 : 1);
}

}  // namespace

void check_replay(CheckReport& report) {
  const CheckOptions& options = report.options();
  const int steps = options.quick ? 4 : 20;
  for (const Kind& kind : kKinds) {
    const std::string name = kind.name;
    const std::string title = "replay " + name;
    if (!report.wanted(title)) continue;
    report.run(title, [&]() -> Status {
      Trace plain, recorded, ahead;
      MR_RETURN_IF_ERROR(trace(options, kind, false, false, steps, &plain));
      MR_RETURN_IF_ERROR(trace(options, kind, true, false, steps, &recorded));
      MR_RETURN_IF_ERROR(trace(options, kind, true, true, steps, &ahead));
      const std::string note = std::to_string(steps) + " steps, " + std::to_string(plain.skipped) + " skipped";
      report.add("replay of recorded steps same bits " + name, num_different(plain, recorded), 0, note);
      report.add("replay of steps submitted ahead same bits " + name, num_different(plain, ahead), 0, note);
      return ok();
    });
  }
}

}  // namespace millrace::testing
