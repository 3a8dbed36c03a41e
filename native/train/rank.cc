#include "train/rank.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include "model/initialize.h"
#include "model/transfer.h"
#include "train/checkpoint.h"
#include "train/results.h"

namespace millrace {

namespace {

// A BLAS library may round a product by its shape, so to verify all are cut alike, whatever a rank's number of threads.
constexpr int kVerifyWorkParts = 4;
// Copies of the control: one a step that may be outstanding.
constexpr int64_t kSlots = 2;

}  // namespace

Rank::Rank(const TrainerConfig& config, const OpTable& ops, const Place& place, std::shared_ptr<Device> device,
           Heartbeat* heartbeat, const ParallelPolicy& policy)
    : config_(config),
      place_(place),
      device_(std::move(device)),
      heartbeat_(heartbeat),
      pool_(config.threads_per_rank) {
  context_.device = device_.get();
  context_.stream = device_ == nullptr ? nullptr : device_->stream();
  context_.pool = &pool_;
  context_.heartbeat = heartbeat;
  context_.gelu_recomputed = config.recompute == Recompute::kSelective;
  env_.ops = &ops;
  env_.context = &context_;
  env_.policy = &policy;
  env_.tensor_group = place.tensor_group;
  env_.tensor_rank = place.tensor_rank;
  env_.tensor_size = place.tensor_size;
  env_.shards = ShardRange::of_rank(place.tensor_rank, place.tensor_size, config.tensor_shards());
  context_.tf32 = config.tf32;
  if (config.verify_parallel) context_.work_parts = kVerifyWorkParts;
}

// Nothing may write to memory that is about to be freed; an error of the device changes nothing any more.
Rank::~Rank() {
  if (arena_ != nullptr) (void)device_->wait(context_);
}

Status Rank::allocate(Arena& arena) {
  context_.scratch = &arena;
  MR_RETURN_IF_ERROR(model_.allocate_parameters(env_, config_.model, config_.init_std, arena));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kI32, Shape(config_.micro_batch, config_.sequence_length), &ids_));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kI32, Shape(config_.micro_batch, config_.sequence_length), &targets_));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kI64, Shape(config_.micro_batch), &samples_));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kF64, Shape(kStepControlFields), &control_));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kF64, Shape(kMaxVerifyShards), &partials_));
  MR_RETURN_IF_ERROR(messages_.allocate(arena));
  // Whatever joins the ranks, so that a plan holds on every machine.
  if (config_.verify_parallel && config_.world() > 1) {
    const Shape words(static_cast<int64_t>(kGatheredBytes / dtype_bytes(DType::kI32)));
    MR_RETURN_IF_ERROR(arena.alloc(DType::kI32, words, &context_.gathered));
  }
  return model_.allocate_activations(env_, config_.micro_batch, config_.sequence_length, config_.recompute, arena);
}

Status Rank::measure(MemoryPlan* out) {
  Arena measuring;
  MR_RETURN_IF_ERROR(allocate(measuring));
  MR_RETURN_IF_ERROR(run_micro_batch(nullptr, nullptr, config_.micro_batch, config_.dropout, true));
  MR_RETURN_IF_ERROR(update());
  out->parameter_bytes = model_.parameters().parameter_bytes();
  out->gradient_bytes = model_.parameters().gradient_bytes();
  out->optimizer_bytes = model_.parameters().moment_bytes();
  out->total_bytes = measuring.peak_bytes();
  out->activation_bytes = out->total_bytes - out->parameter_bytes - out->gradient_bytes - out->optimizer_bytes;
  out->snapshot_bytes = Snapshot::bytes_of(place_, model_.parameters());
  out->num_parameters = model_.parameters().num_parameters();
  return ok();
}

Status Rank::plan(const TrainerConfig& config, const OpTable& ops, MemoryPlan* out) {
  Rank rank(config, ops, Place::of(0, config.tensor_parallel, config.data_parallel), nullptr, nullptr,
            ParallelPolicy::standard());
  return rank.measure(out);
}

Status Rank::create(const TrainerConfig& config, const OpTable& ops, const Place& place, std::shared_ptr<Device> device,
                    Heartbeat* heartbeat, const ParallelPolicy& policy, std::unique_ptr<Rank>* out) {
  std::unique_ptr<Rank> rank(new Rank(config, ops, place, std::move(device), heartbeat, policy));
  MemoryPlan plan;
  MR_RETURN_IF_ERROR(rank->measure(&plan));
  rank->planned_bytes_ = plan.total_bytes;
  rank->progress_ = Progress::first(config.loss_scale);
  MR_RETURN_IF_ERROR(Arena::create(*rank->device_, plan.total_bytes, &rank->arena_));
  MR_RETURN_IF_ERROR(rank->allocate(*rank->arena_));
  Arena slots;
  MR_RETURN_IF_ERROR(slots.alloc(DType::kF64, Shape(kSlots, kStepControlFields), &rank->slots_));
  MR_RETURN_IF_ERROR(Arena::create_on_host(*rank->device_, slots.peak_bytes(), &rank->host_arena_));
  MR_RETURN_IF_ERROR(rank->host_arena_->alloc(DType::kF64, rank->slots_.shape, &rank->slots_));
  MR_RETURN_IF_ERROR(rank->write_control(rank->progress_.control()));
  MR_RETURN_IF_ERROR(initialize_parameters(rank->env_, rank->model_.parameters(), config.seed));
  *out = std::move(rank);
  return ok();
}

namespace {

// An exception must not leave peers waiting, so it too becomes a status that is acted on.
Status caught(Rank& rank, const std::function<Status(Rank&)>& work, bool* thrown) {
  try {
    return work(rank);
  } catch (const std::bad_alloc&) {
    *thrown = true;
    return Status(MR_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    *thrown = true;
    return internal_error(error.what());
  }
}

}  // namespace

Status Rank::run(bool collective, const std::function<Status(Rank&)>& work) {
  if (heartbeat_ != nullptr) heartbeat_->set_state(MR_RANK_COMPUTING);
  env_.enter("start");
  bool thrown = false;
  Status status = caught(*this, work, &thrown);
  if (status.ok()) {
    env_.step = 0;
    env_.enter("idle");
    if (heartbeat_ != nullptr) heartbeat_->set_state(MR_RANK_IDLE);
    return status;
  }
  // An exception may come between two collectives, on this rank alone, whatever the work.
  const bool final = collective || thrown;
  // A communicator's error already names rank and operation: often those of a peer.
  if (status.code() != MR_COMM && final) {
    status = Status(status.code(),
                    "rank " + std::to_string(place_.rank) + ", " + env_.operation() + ": " + status.message());
  }
  env_.step = 0;
  if (!final) {
    if (heartbeat_ != nullptr) heartbeat_->set_state(MR_RANK_IDLE);
    return status;
  }
  if (heartbeat_ != nullptr) heartbeat_->set_state(MR_RANK_FAILED);
  // Under one code, so that what peers then return is known as an echo of this error.
  for (Communicator* group : place_.groups()) group->abort(Status(MR_COMM, status.message()));
  return status;
}

Status Rank::allocate_snapshot(Snapshot& snapshot) {
  env_.enter("snapshot memory");
  return snapshot.allocate(place_, model_.parameters(), device_, context_);
}

Status Rank::take_snapshot(Snapshot& snapshot) {
  env_.enter("snapshot");
  return snapshot.take(place_, model_.parameters(), progress_, context_);
}

Status Rank::load(const std::string& path) {
  const ParameterSet& parameters = model_.parameters();
  MR_RETURN_IF_ERROR(load_checkpoint(env_, place_, messages_, config_, parameters, path, &progress_));
  MR_RETURN_IF_ERROR(write_control(progress_.control()));
  return env_.ops->cast(context_, parameters.values(), parameters.masters());
}

namespace {

template <class T>
void copy_out(const void* from, int64_t count, double scale, float* out) {
  const T factor = static_cast<T>(1 / scale);  // exact: scales are powers of two
  for (int64_t i = 0; i < count; ++i) out[i] = static_cast<float>(static_cast<const T*>(from)[i] * factor);
}

}  // namespace

Status Rank::read_tensor(bool gradient, const std::string& name, float* out) {
  const Parameter* parameter = model_.parameters().find(name);
  if (parameter == nullptr) return invalid_argument("expected the name of a parameter for name, got " + name);
  const bool writes = place_.data_rank == 0 && (parameter->spec.split != Split::kReplicated || place_.tensor_rank == 0);
  if (!writes) return ok();
  const Tensor tensor = gradient ? parameter->gradient : parameter->master;
  const double scale = gradient ? gradient_scale_ : 1.0;
  MR_RETURN_IF_ERROR(download(env_, parameter->spec, tensor, [&](const ShardRun& run, const void* from) {
    const auto copy = tensor.dtype == DType::kF64 ? copy_out<double> : copy_out<float>;
    copy(from, run.count, scale, out + run.logical);
  }));
  return await_results(place_, context_);
}

Status Rank::write_parameter(const std::string& name, const float* values) {
  const Parameter* parameter = model_.parameters().find(name);
  if (parameter == nullptr) return invalid_argument("expected the name of a parameter for name, got " + name);
  MR_RETURN_IF_ERROR(upload(env_, parameter->spec, parameter->master, [&](const ShardRun& run, void* to) {
    const float* from = values + run.logical;
    if (parameter->master.dtype == DType::kF64) {
      std::copy(from, from + run.count, static_cast<double*>(to));
    } else {
      std::copy(from, from + run.count, static_cast<float*>(to));
    }
  }));
  return env_.ops->cast(context_, parameter->value, parameter->master);
}

}  // namespace millrace
