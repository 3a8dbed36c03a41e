#include "train/rank.h"

#include <exception>
#include <new>

#include "model/initialize.h"
#include "train/checkpoint.h"

namespace millrace {

namespace {

// A BLAS library may round a product by its shape, so to verify all are cut alike, whatever a rank's number of threads.
constexpr int kVerifyWorkParts = 4;

}  // namespace

Rank::Rank(const TrainerConfig& config, const OpTable& ops, const Place& place, Heartbeat* heartbeat,
           const ParallelPolicy& policy)
    : config_(config), place_(place), heartbeat_(heartbeat), pool_(config.threads_per_rank) {
  context_.pool = &pool_;
  context_.heartbeat = heartbeat;
  env_.ops = &ops;
  env_.context = &context_;
  env_.policy = &policy;
  env_.tensor_group = place.tensor_group;
  env_.tensor_rank = place.tensor_rank;
  env_.tensor_size = place.tensor_size;
  env_.shards = ShardRange::of_rank(place.tensor_rank, place.tensor_size, config.tensor_shards());
  if (config.verify_parallel) context_.work_parts = kVerifyWorkParts;
}

Status Rank::allocate(Arena& arena) {
  context_.scratch = &arena;
  MR_RETURN_IF_ERROR(model_.allocate_parameters(env_, config_.model, config_.init_std, arena));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kI32, Shape(config_.micro_batch, config_.sequence_length), &ids_));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kI32, Shape(config_.micro_batch, config_.sequence_length), &targets_));
  MR_RETURN_IF_ERROR(arena.alloc(DType::kF64, Shape(2), &totals_));
  return model_.allocate_activations(env_, config_.micro_batch, config_.sequence_length, config_.recompute, arena);
}

Status Rank::measure(MemoryPlan* out) {
  Arena measuring;
  MR_RETURN_IF_ERROR(allocate(measuring));
  double ignored = 0;
  MR_RETURN_IF_ERROR(run_micro_batch(nullptr, nullptr, config_.micro_batch, 1, config_.dropout, 1.0, true, &ignored));
  MR_RETURN_IF_ERROR(global_gradient_norm(env_, model_.parameters(), totals_.rows(0, 1), &ignored));
  MR_RETURN_IF_ERROR(apply_adamw(env_, model_.parameters(), config_.optimizer, 0.0, 1.0, 1));
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
  Rank rank(config, ops, Place::of(0, config.tensor_parallel, config.data_parallel), nullptr,
            ParallelPolicy::standard());
  return rank.measure(out);
}

Status Rank::create(const TrainerConfig& config, const OpTable& ops, const Place& place, Heartbeat* heartbeat,
                    const ParallelPolicy& policy, std::unique_ptr<Rank>* out) {
  std::unique_ptr<Rank> rank(new Rank(config, ops, place, heartbeat, policy));
  MemoryPlan plan;
  MR_RETURN_IF_ERROR(rank->measure(&plan));
  rank->planned_bytes_ = plan.total_bytes;
  rank->progress_.loss_scale = first_loss_scale(config.loss_scale);
  MR_RETURN_IF_ERROR(Arena::create(plan.total_bytes, &rank->arena_));
  MR_RETURN_IF_ERROR(rank->allocate(*rank->arena_));
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
  for (Communicator* group : {place_.tensor_group, place_.data_group, place_.world_group}) {
    if (group != nullptr) group->abort(Status(MR_COMM, status.message()));
  }
  return status;
}

Status Rank::allocate_snapshot(Snapshot& snapshot) {
  env_.enter("snapshot memory");
  return snapshot.allocate(place_, model_.parameters(), context_);
}

Status Rank::take_snapshot(Snapshot& snapshot) {
  env_.enter("snapshot");
  snapshot.take(place_, model_.parameters(), progress_, context_);
  return ok();
}

Status Rank::load(const std::string& path) {
  const ParameterSet& parameters = model_.parameters();
  MR_RETURN_IF_ERROR(load_checkpoint(env_, place_, config_, parameters, path, &progress_));
  return env_.ops->cast(context_, parameters.values(), parameters.masters());
}

namespace {

template <class T>
void copy_out(const Parameter& parameter, Tensor from, double scale, const Place& place, float* out) {
  const T factor = static_cast<T>(1 / scale);  // exact: scales are powers of two
  for_each_run(parameter.spec, place.tensor_rank, place.tensor_size, [&](const ShardRun& run) {
    const T* values = from.as<T>() + run.local;
    for (int64_t i = 0; i < run.count; ++i) out[run.logical + i] = static_cast<float>(values[i] * factor);
  });
}

template <class T>
void copy_in(const Parameter& parameter, const Place& place, const float* values) {
  T* to = parameter.master.as<T>();
  for_each_run(parameter.spec, place.tensor_rank, place.tensor_size, [&](const ShardRun& run) {
    for (int64_t i = 0; i < run.count; ++i) to[run.local + i] = static_cast<T>(values[run.logical + i]);
  });
}

}  // namespace

Status Rank::read_tensor(bool gradient, const std::string& name, float* out) const {
  const Parameter* parameter = model_.parameters().find(name);
  if (parameter == nullptr) return invalid_argument("expected the name of a parameter for name, got " + name);
  const bool writes = place_.data_rank == 0 && (parameter->spec.split != Split::kReplicated || place_.tensor_rank == 0);
  if (!writes) return ok();
  const Tensor from = gradient ? parameter->gradient : parameter->master;
  const double scale = gradient ? gradient_scale_ : 1.0;
  if (config_.dtype == DType::kF64) {
    copy_out<double>(*parameter, from, scale, place_, out);
  } else {
    copy_out<float>(*parameter, from, scale, place_, out);
  }
  return ok();
}

Status Rank::write_parameter(const std::string& name, const float* values) {
  const Parameter* parameter = model_.parameters().find(name);
  if (parameter == nullptr) return invalid_argument("expected the name of a parameter for name, got " + name);
  if (config_.dtype == DType::kF64) {
    copy_in<double>(*parameter, place_, values);
  } else {
    copy_in<float>(*parameter, place_, values);
  }
  return env_.ops->cast(context_, parameter->value, parameter->master);
}

}  // namespace millrace
