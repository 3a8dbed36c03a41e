// The optimizer step: submitted, collected, and looked into when it had to be skipped.
#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "train/finite_watch.h"
#include "train/rank.h"
#include "train/results.h"

namespace millrace {

namespace {

constexpr uint64_t kUpdateKey = 0;

double seconds_between(std::chrono::steady_clock::time_point begin, std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

Status Rank::write_control(const StepControl& control) {
  return device_->to_device(context_, control_.data, &control, sizeof(control));
}

Status Rank::read_control(StepControl* out) {
  MR_RETURN_IF_ERROR(device_->to_host(context_, out, control_.data, sizeof(*out)));
  return await_results(place_, context_);
}

// From the gradients to the new parameters.
Status Rank::update() {
  const auto work = [&]() -> Status {
    MR_RETURN_IF_ERROR(add_gradient_norm(env_, model_.parameters(), control_, partials_));
    MR_RETURN_IF_ERROR(env_.ops->decide_step(*env_.context, control_, config_.step_rules()));
    return apply_adamw(env_, model_.parameters(), config_.optimizer, control_);
  };
  // To verify, the norm's partial sums begin with a copy from the host, which no record may hold.
  return config_.verify_parallel ? work() : replay(kUpdateKey, work);
}

Status Rank::enqueue(Outstanding& step) {
  env_.step = step.number;
  env_.communication_seconds = 0;
  if (heartbeat_ != nullptr) heartbeat_->set_step(static_cast<uint64_t>(step.number));
  MR_RETURN_IF_ERROR(run_backward(step.tokens.data(), step.samples.data(), step.number));
  MR_RETURN_IF_ERROR(reduce_gradients());
  env_.enter("update");
  MR_RETURN_IF_ERROR(update());
  MR_RETURN_IF_ERROR(device_->to_host(context_, step.slot.data, control_.data, sizeof(StepControl)));
  MR_RETURN_IF_ERROR(device_->mark(context_, &step.done));
  // What was planned is what is used, no less either: a plan that is too large would hide a change of the step.
  MR_CHECK(arena_->peak_bytes() == planned_bytes_);
  step.communication_seconds = env_.communication_seconds;
  return ok();
}

Status Rank::submit(const int32_t* tokens, const int64_t* samples) {
  MR_CHECK(num_outstanding() <= steps_ahead() && num_outstanding() < slots_.dim(0));
  Outstanding step;
  step.submitted = Clock::now();
  step.number = progress_.steps + 1 + num_outstanding();
  step.tokens.assign(tokens, tokens + config_.global_batch * (config_.sequence_length + 1));
  step.samples.assign(samples, samples + config_.global_batch);
  step.num_tokens = count_tokens(tokens);
  step.slot = slots_.rows(step.number % slots_.dim(0), 1);
  MR_RETURN_IF_ERROR(enqueue(step));
  outstanding_.push_back(std::move(step));
  return ok();
}

Status Rank::collect(StepResult* out) {
  MR_CHECK(!outstanding_.empty());
  const Outstanding step = std::move(outstanding_.front());
  outstanding_.pop_front();
  env_.step = step.number;
  env_.enter("step end");
  MR_RETURN_IF_ERROR(await_results(place_, *device_, step.done));
  const StepControl record = *step.slot.as<StepControl>();
  // The step's own record, not an older one of its slot; held steps are enqueued again before they are collected.
  MR_CHECK(record.draw_step == step.number && record.verdict != static_cast<int64_t>(StepVerdict::kHeld));

  StepResult result;
  result.step = step.number;
  result.loss = record.loss;
  result.gradient_norm = record.gradient_norm;
  result.learning_rate = record.learning_rate;
  result.loss_scale = gradient_scale_ = record.used_loss_scale;
  result.num_tokens = step.num_tokens;
  result.skipped = !record.applied();
  if (result.skipped) {
    MR_RETURN_IF_ERROR(after_skip(step, record, &result.overflow));
  } else {
    progress_ = Progress::of(record);
  }
  const Clock::time_point now = Clock::now();
  result.seconds = seconds_between(std::max(step.submitted, last_collected_), now);
  result.communication_seconds = step.communication_seconds;
  last_collected_ = now;
  *out = std::move(result);
  return ok();
}

Status Rank::step(const int32_t* tokens, const int64_t* samples, StepResult* out) {
  MR_RETURN_IF_ERROR(submit(tokens, samples));
  return collect(out);
}

Status Rank::profile(const int32_t* tokens, const int64_t* samples, StepResult* out, std::vector<OpTime>* rows) {
  MR_CHECK(outstanding_.empty());
  {
    OpTimer timer(env_, device_->stopwatch());
    MR_RETURN_IF_ERROR(submit(tokens, samples));
    MR_RETURN_IF_ERROR(timer.rows(rows));
  }
  // Without the timer: a skipped step is looked into with a table of its own around the backend's.
  return collect(out);
}

// The device holds the steps behind this one: nothing of them has happened, and they are enqueued again as they were.
Status Rank::after_skip(const Outstanding& step, const StepControl& record, std::string* report) {
  MR_RETURN_IF_ERROR(await_results(place_, context_));
  StepControl again = record;
  again.loss_scale = record.used_loss_scale;
  MR_RETURN_IF_ERROR(write_control(again));
  MR_RETURN_IF_ERROR(find_overflow(step, report));
  env_.enter("loss scale");
  if (record.verdict == static_cast<int64_t>(StepVerdict::kExhausted)) {
    const Status error = diverged(config_.loss_scale, record);
    return Status(error.code(), error.message() + "; it began in " + *report);
  }
  progress_ = Progress::of(record);
  MR_RETURN_IF_ERROR(write_control(progress_.control()));
  for (Outstanding& held : outstanding_) {
    MR_RETURN_IF_ERROR(await_results(place_, *device_, held.done));
    MR_RETURN_IF_ERROR(enqueue(held));
  }
  env_.step = step.number;
  return ok();
}

// Runs the batch again under a watch. The first op, in the order that all ranks run them, whose tensors were not finite
// is where it began; of several ranks at the same op the first is named.
Status Rank::find_overflow(const Outstanding& step, std::string* report) {
  env_.step = 0;  // the report's operation needs no number of the step before it
  FiniteWatch watch(env_, model_.parameters(), partials_.rows(0, 1));
  MR_RETURN_IF_ERROR(run_backward(step.tokens.data(), step.samples.data(), step.number));
  const int64_t world = place_.world();
  constexpr int64_t kNever = std::numeric_limits<int64_t>::min();
  int64_t first = watch.found_at() == 0 ? kNever : -(watch.found_at() * world + place_.rank);
  MR_RETURN_IF_ERROR(messages_.largest(env_, place_, &first, "overflow vote"));
  if (first == kNever) {
    // Finite on every rank: the sum over them was not.
    *report = "data-parallel gradient reduction";
  } else {
    const int finder = static_cast<int>(-first % world);
    *report = watch.report() + " (rank " + std::to_string(finder) + ")";
    MR_RETURN_IF_ERROR(messages_.tell(env_, place_, finder, report, "overflow report"));
  }
  env_.step = step.number;
  // Not before all that was enqueued in its context has run.
  return await_results(place_, context_);
}

}  // namespace millrace
