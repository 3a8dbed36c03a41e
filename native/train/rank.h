// Rank: one rank of a training run: its device, its share of the model, its optimizer state and the step. It sees other
// ranks only through communicators. All of its methods are called on the rank's own thread, by all ranks of a run
// alike.
//
// A step is enqueued by submit() and waited for by collect(). On a device that runs behind, the host submits the next
// step before it collects the last, so that the device always has work (docs/decisions/0059):
//
//   host     submit 1   submit 2   collect 1   submit 3   collect 2 ...
//   device              [ step 1       ][ step 2       ][ step 3 ...
#ifndef MILLRACE_TRAIN_RANK_H_
#define MILLRACE_TRAIN_RANK_H_

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "model/gpt2.h"
#include "model/parallel.h"
#include "train/config.h"
#include "train/messages.h"
#include "train/op_timer.h"
#include "train/place.h"
#include "train/progress.h"
#include "train/snapshot.h"

namespace millrace {

struct MemoryPlan {
  size_t parameter_bytes = 0;
  size_t gradient_bytes = 0;
  size_t optimizer_bytes = 0;
  size_t activation_bytes = 0;
  size_t total_bytes = 0;
  size_t snapshot_bytes = 0;  // outside the arena: what a checkpoint is written from
  int64_t num_parameters = 0;
};

struct StepResult {
  int64_t step = 0;
  double loss = 0;
  double gradient_norm = 0;
  double learning_rate = 0;
  int64_t num_tokens = 0;
  double loss_scale = 1;
  bool skipped = false;              // the gradient was not finite; nothing was updated
  std::string overflow;              // of a skipped step: operation, tensor and rank where that began
  double seconds = 0;                // since it was submitted or, if that is later, since the step before was collected
  double communication_seconds = 0;  // what the host spent in collectives
};

class Rank {
 public:
  // The size of a rank's arena, found by running the step over a measuring arena. Needs no other rank.
  static Status plan(const TrainerConfig&, const OpTable&, MemoryPlan* out);

  // Allocates and initialises. The table's ops work on the device's memory. `heartbeat` and `policy` are borrowed;
  // heartbeat may be null.
  static Status create(const TrainerConfig&, const OpTable&, const Place&, std::shared_ptr<Device> device,
                       Heartbeat* heartbeat, const ParallelPolicy& policy, std::unique_ptr<Rank>* out);
  // What was submitted may still run.
  ~Rank();

  // Runs `work` as this rank's current business: reports state on the status page and puts rank and operation before an
  // error. A failure of `collective` work, and an exception in any, ends the waits of all groups that this rank belongs
  // to; other work returns its errors on all ranks alike.
  Status run(bool collective, const std::function<Status(Rank&)>& work);

  // One optimizer step over the whole global batch, enqueued: tokens(G,T+1), samples(G); see millrace/trainer.h. At
  // most steps_ahead() + 1 steps are outstanding.
  Status submit(const int32_t* tokens, const int64_t* samples);
  // The result of the oldest step that is outstanding. The device holds what was submitted behind a step that had to be
  // skipped; such steps are enqueued again here, so that every result is that of a run that waited for each.
  Status collect(StepResult* out);
  int num_outstanding() const { return static_cast<int>(outstanding_.size()); }
  int steps_ahead() const { return device_->steps_ahead(); }
  Status step(const int32_t* tokens, const int64_t* samples, StepResult* out);

  // All that follows is called when no step is outstanding.

  // A step with every op under a clock: `rows` says where its time went on this rank's device.
  Status profile(const int32_t* tokens, const int64_t* samples, StepResult* out, std::vector<OpTime>* rows);
  // The step's first half: gradients of the mean loss, reduced over data-parallel ranks, and that loss. Dropout masks
  // are those of step `step`.
  Status gradients(const int32_t* tokens, const int64_t* samples, int64_t step, double* loss, int64_t* num_tokens);
  // Mean loss with the dropout of `step`, no gradients.
  Status dropout_loss(const int32_t* tokens, const int64_t* samples, int64_t step, double* loss);
  Status gradient_norm(double* norm);

  Status evaluate(const int32_t* tokens, int64_t num_sequences, double* loss_sum, int64_t* num_tokens);
  // Every rank of data-parallel group 0 writes its range of out(vocab_size).
  Status logits(const int32_t* tokens, int64_t length, float* out);

  // This rank's part in keeping the run as it is now, and in a checkpoint's return (train/checkpoint.h).
  Status allocate_snapshot(Snapshot& snapshot);
  Status take_snapshot(Snapshot& snapshot);
  Status load(const std::string& path);

  // This rank's part of a logical tensor, to and from row-major floats of the whole.
  Status read_tensor(bool gradient, const std::string& name, float* out);
  Status write_parameter(const std::string& name, const float* values);

  const Gpt2& model() const { return model_; }
  Gpt2& model() { return model_; }
  RankEnv& env() { return env_; }
  const Place& place() const { return place_; }
  const Progress& progress() const { return progress_; }
  const Arena& arena() const { return *arena_; }

 private:
  using Clock = std::chrono::steady_clock;

  // A step on its way: what it may have to be run with again, and where its result will stand.
  struct Outstanding {
    int64_t number = 0;
    std::vector<int32_t> tokens;
    std::vector<int64_t> samples;
    int64_t num_tokens = 0;
    Tensor slot;  // (kStepControlFields) f64 of this machine's memory
    Event done;
    double communication_seconds = 0;
    Clock::time_point submitted;
  };

  Rank(const TrainerConfig&, const OpTable&, const Place&, std::shared_ptr<Device>, Heartbeat*, const ParallelPolicy&);

  Status measure(MemoryPlan* out);
  Status allocate(Arena& arena);

  // All of these only enqueue.
  Status load_tokens(const int32_t* tokens, int64_t batch, int64_t time, int64_t stride);
  Status run_micro_batch(const int32_t* tokens, const int64_t* samples, int64_t batch, float dropout, bool backward);
  // Over this rank's rows of the global batch; the loss is reduced over data-parallel ranks.
  Status run_batch(const int32_t* tokens, const int64_t* samples, int64_t step, bool backward);
  Status run_backward(const int32_t* tokens, const int64_t* samples, int64_t step);
  Status update();
  Status reduce_loss(const char* name);
  Status reduce_gradients();
  Status write_control(const StepControl&);
  Status enqueue(Outstanding& step);
  // Runs work, or the record of it that the device has made under `key`.
  Status replay(uint64_t key, const std::function<Status()>& work);

  int64_t count_tokens(const int32_t* tokens) const;
  Status read_control(StepControl* out);
  Status after_skip(const Outstanding& step, const StepControl& record, std::string* report);
  Status find_overflow(const Outstanding& step, std::string* report);

  TrainerConfig config_;
  Place place_;
  std::shared_ptr<Device> device_;  // null while planning
  Heartbeat* heartbeat_;
  ThreadPool pool_;
  Context context_;
  RankEnv env_;
  std::unique_ptr<Arena> arena_;
  size_t planned_bytes_ = 0;
  Gpt2 model_;
  Progress progress_;
  Tensor ids_;       // (B,T) i32
  Tensor targets_;   // (B,T) i32
  Tensor samples_;   // (B) i64
  Tensor control_;   // (kStepControlFields) f64: core/step_control.h
  Tensor partials_;  // (kMaxVerifyShards) f64
  Messages messages_;
  double gradient_scale_ = 1;  // of what stands in the gradients
  std::unique_ptr<Arena> host_arena_;
  Tensor slots_;  // (kSlots, kStepControlFields) f64 of this machine's memory: copies of the control, of steps in turn
  std::deque<Outstanding> outstanding_;
  Clock::time_point last_collected_;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_RANK_H_
