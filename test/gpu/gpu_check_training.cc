// Whole training through the C API, beside the same run on the CPU: gradients, curves, numbers of ranks, recomputation,
// overflow and checkpoints.
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "gpu_check.h"
#include "training_run.h"

namespace millrace::testing {

namespace {

Status check_gradients(CheckReport& report) {
  const mr_trainer_config config = small_config(report.options(), "fp32");
  Outcome host, device;
  MR_RETURN_IF_ERROR(run_training(on_host(config), 1, &host));
  MR_RETURN_IF_ERROR(run_training(config, 1, &device));
  const Difference worst = worst_difference(host.gradients, device.gradients);
  report.add(std::string("training gradients of step 1 fp32, ") + host_backend(), worst.value, 1e-5, worst.tensor);
  return ok();
}

// The curve of the device beside the host's in the same precision. What 16 bits do to the host's own curve is the
// scale.
Status check_curve(CheckReport& report, const char* precision) {
  const int steps = report.options().quick ? 4 : 200;
  mr_trainer_config config = small_config(report.options(), precision);
  config.learning_rate = 1e-3;
  const bool rounded = std::string(precision) != "fp32";
  Outcome exact, host, device;
  MR_RETURN_IF_ERROR(run_training(on_host(config), steps, &host));
  MR_RETURN_IF_ERROR(run_training(config, steps, &device));
  double bound = 1e-4;  // fp32: what another order of sums grows to in so many steps at this rate
  if (rounded) {
    mr_trainer_config wide = on_host(config);
    wide.precision = "fp32";
    wide.loss_scale = mr_loss_scale{};
    MR_RETURN_IF_ERROR(run_training(wide, steps, &exact));
    bound = 1.5 * largest_difference(exact.losses, host.losses);
  }
  report.add(std::string("training curve ") + precision, largest_difference(host.losses, device.losses), bound,
             curve_note(device.losses));
  return ok();
}

// Numbers of ranks beside 1; the emulator's time goes with their sum.
std::vector<int> rank_counts(const CheckOptions& options) {
  return options.quick ? std::vector<int>{8} : std::vector<int>{2, 4, 8};
}

Status check_tensor_parallel(CheckReport& report) {
  const int steps = report.options().quick ? 2 : 100;
  mr_trainer_config config = small_config(report.options(), "fp32");
  Outcome one, one_step;
  MR_RETURN_IF_ERROR(run_training(config, steps, &one));
  MR_RETURN_IF_ERROR(run_training(config, 1, &one_step));
  for (const int ranks : rank_counts(report.options())) {
    config.tensor_parallel = ranks;
    Outcome many, first;
    MR_RETURN_IF_ERROR(run_training(config, steps, &many));
    MR_RETURN_IF_ERROR(run_training(config, 1, &first));
    const std::string name = "training tp " + std::to_string(ranks);
    const Difference worst = worst_difference(one_step.gradients, first.gradients);
    report.add(name + " gradients of step 1", worst.value, 1e-5, worst.tensor);
    report.add(name + " losses", largest_difference(one.losses, many.losses), 1e-5, curve_note(many.losses));
  }
  return ok();
}

Status check_data_parallel(CheckReport& report) {
  mr_trainer_config config = small_config(report.options(), "fp32");
  Outcome one, two;
  MR_RETURN_IF_ERROR(run_training(config, 1, &one));
  config.data_parallel = 2;
  config.tensor_parallel = 2;
  MR_RETURN_IF_ERROR(run_training(config, 1, &two));
  const Difference worst = worst_difference(one.gradients, two.gradients);
  report.add("training tp 2 dp 2 gradients of step 1", worst.value, 1e-5, worst.tensor);
  return ok();
}

Status check_verified(CheckReport& report, const char* precision) {
  const int steps = report.options().quick ? 2 : 20;
  mr_trainer_config config = small_config(report.options(), precision);
  config.verify_parallel = 1;
  config.learning_rate = 1e-3;
  Outcome one;
  MR_RETURN_IF_ERROR(run_training(config, steps, &one));
  for (const int ranks : rank_counts(report.options())) {
    config.tensor_parallel = ranks;
    Outcome many;
    MR_RETURN_IF_ERROR(run_training(config, steps, &many));
    report.add("training verified tp " + std::to_string(ranks) + " same bits " + precision, num_different(one, many), 0,
               curve_note(many.losses));
  }
  return ok();
}

Status check_repeated(CheckReport& report) {
  const mr_trainer_config config = small_config(report.options(), "bf16");
  Outcome first, second;
  MR_RETURN_IF_ERROR(run_training(config, 3, &first));
  MR_RETURN_IF_ERROR(run_training(config, 3, &second));
  report.add("training twice same bits bf16", num_different(first, second), 0, curve_note(second.losses));
  return ok();
}

// On a GPU a fused product applies GELU before its input is rounded, unless that input is all that is kept: then the
// curve is another one of the same precision.
Status check_recomputation(CheckReport& report) {
  mr_trainer_config config = small_config(report.options(), "bf16");
  Outcome kept, selective, full;
  MR_RETURN_IF_ERROR(run_training(config, 3, &kept));
  config.recompute = MR_RECOMPUTE_SELECTIVE;
  MR_RETURN_IF_ERROR(run_training(config, 3, &selective));
  config.recompute = MR_RECOMPUTE_FULL;
  MR_RETURN_IF_ERROR(run_training(config, 3, &full));
  report.add("training recompute full same bits bf16", num_different(kept, full), 0, curve_note(full.losses));
  if (report.options().backend == "cuda") {
    constexpr double kRounding = 2e-3;  // of a loss of about 5, by bf16
    report.add("training recompute selective losses bf16", largest_difference(kept.losses, selective.losses), kRounding,
               curve_note(selective.losses));
  } else {
    report.add("training recompute selective same bits bf16", num_different(kept, selective), 0,
               curve_note(selective.losses));
  }
  return ok();
}

// A loss scale at which fp16 overflows: steps are skipped on the device until it fits, as many as on the host, and
// change nothing.
Status check_overflow(CheckReport& report) {
  const int steps = report.options().quick ? 6 : 12;
  mr_trainer_config config = small_config(report.options(), "fp16");
  config.loss_scale = mr_loss_scale{0x1p24, 1, 1000, 2};
  Trainer device, host;
  MR_RETURN_IF_ERROR(device.create(config));
  MR_RETURN_IF_ERROR(host.create(on_host(config)));
  Tensors before, after;
  MR_RETURN_IF_ERROR(device.read("parameter", &before));
  double different = 0, skipped = 0;
  std::string first;
  for (int step = 1; step <= steps; ++step) {
    mr_step_result ours, theirs;
    MR_RETURN_IF_ERROR(device.step(step, &ours));
    if (ours.skipped != 0 && first.empty()) first = ours.overflow;
    MR_RETURN_IF_ERROR(host.step(step, &theirs));
    skipped += ours.skipped;
    different += ours.skipped != theirs.skipped || ours.loss_scale != theirs.loss_scale ? 1 : 0;
    if (step == 1) {
      MR_RETURN_IF_ERROR(device.read("parameter", &after));
      different += before == after ? 0 : 1;
    }
  }
  report.add("training fp16 overflow skips as on the host", skipped > 0 ? different : INFINITY, 0,
             std::to_string(static_cast<int>(skipped)) + " of " + std::to_string(steps) + " skipped; " + first);
  return ok();
}

// Saved here, loaded there, both ways.
Status check_checkpoint(CheckReport& report, const char* precision, double bound) {
  const mr_trainer_config config = small_config(report.options(), precision);
  const std::string path =
      (std::filesystem::temp_directory_path() / ("gpu-check-" + std::to_string(report.options().seed) + ".safetensors"))
          .string();
  for (const bool from_device : {true, false}) {
    const mr_trainer_config writer_config = from_device ? config : on_host(config);
    const mr_trainer_config reader_config = from_device ? on_host(config) : config;
    Trainer writer, reader;
    std::vector<double> losses;
    Tensors written, read;
    double written_loss = 0, read_loss = 0;
    MR_RETURN_IF_ERROR(writer.create(writer_config));
    MR_RETURN_IF_ERROR(writer.train(3, &losses));
    MR_RETURN_IF_ERROR(writer.save(path));
    MR_RETURN_IF_ERROR(reader.create(reader_config));
    MR_RETURN_IF_ERROR(reader.load(path));
    std::filesystem::remove(path);
    MR_RETURN_IF_ERROR(writer.read("parameter", &written));
    MR_RETURN_IF_ERROR(reader.read("parameter", &read));
    MR_RETURN_IF_ERROR(writer.evaluate(&written_loss));
    MR_RETURN_IF_ERROR(reader.evaluate(&read_loss));
    const std::string way = from_device ? " to the host " : " from the host ";
    report.add("training checkpoint" + way + precision, std::abs(written_loss - read_loss), bound,
               written == read ? "same weights, other arithmetic" : "the weights differ");
    if (written != read) report.fail("training checkpoint weights" + way + precision, "not the same bits");
  }
  return ok();
}

}  // namespace

void check_training(CheckReport& report) {
  const auto run = [&](const std::string& name, const auto& check) {
    if (report.wanted("training " + name)) report.run("training " + name, [&] { return check(report); });
  };
  run("gradients", check_gradients);
  for (const char* precision : {"fp32", "bf16", "fp16"}) {
    run(std::string("curve ") + precision, [&](CheckReport& r) { return check_curve(r, precision); });
  }
  run("tp", check_tensor_parallel);
  run("dp", check_data_parallel);
  for (const char* precision : {"fp32", "bf16"}) {
    run(std::string("verified ") + precision, [&](CheckReport& r) { return check_verified(r, precision); });
  }
  run("twice", check_repeated);
  run("recompute", check_recomputation);
  run("overflow", check_overflow);
  // The loss of weights that are the same: fp32 differs in the order of sums, bf16 in what products round.
  run("checkpoint fp32", [](CheckReport& r) { return check_checkpoint(r, "fp32", 1e-5); });
  run("checkpoint bf16", [](CheckReport& r) { return check_checkpoint(r, "bf16", 0.01); });
}

}  // namespace millrace::testing
