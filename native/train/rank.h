// Rank: one rank of a training run: its arena, its share of the model, its optimizer state and the step. It sees other
// ranks only through communicators. All of its methods are called on the rank's own thread, by all ranks of a run
// alike.
#ifndef MILLRACE_TRAIN_RANK_H_
#define MILLRACE_TRAIN_RANK_H_

#include <functional>
#include <memory>
#include <string>

#include "model/gpt2.h"
#include "model/parallel.h"
#include "train/config.h"
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
  bool skipped = false;  // the gradient was not finite; nothing was updated
  std::string overflow;  // of a skipped step: operation, tensor and rank where that began
  double seconds = 0;
  double communication_seconds = 0;
};

class Rank {
 public:
  // The size of a rank's arena, found by running the step over a measuring arena. Needs no other rank.
  static Status plan(const TrainerConfig&, const OpTable&, MemoryPlan* out);

  // Allocates and initialises. `heartbeat` and `policy` are borrowed; heartbeat may be null.
  static Status create(const TrainerConfig&, const OpTable&, const Place&, Heartbeat* heartbeat,
                       const ParallelPolicy& policy, std::unique_ptr<Rank>* out);

  // Runs `work` as this rank's current business: reports state on the status page and puts rank and operation before an
  // error. A failure of `collective` work, and an exception in any, ends the waits of all groups that this rank belongs
  // to; other work returns its errors on all ranks alike.
  Status run(bool collective, const std::function<Status(Rank&)>& work);

  // One optimizer step over the whole global batch: tokens(G,T+1), samples(G); see millrace/trainer.h.
  Status step(const int32_t* tokens, const int64_t* samples, StepResult* out);
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
  Status read_tensor(bool gradient, const std::string& name, float* out) const;
  Status write_parameter(const std::string& name, const float* values);

  const Gpt2& model() const { return model_; }
  Gpt2& model() { return model_; }
  RankEnv& env() { return env_; }
  const Place& place() const { return place_; }
  const Progress& progress() const { return progress_; }
  const Arena& arena() const { return *arena_; }

 private:
  Rank(const TrainerConfig&, const OpTable&, const Place&, Heartbeat*, const ParallelPolicy&);

  Status measure(MemoryPlan* out);
  Status allocate(Arena& arena);
  Status run_micro_batch(const int32_t* tokens, const int64_t* samples, int64_t batch, int64_t step, float dropout,
                         double gradient_scale, bool backward, double* loss_sum);
  // Over this rank's rows of the global batch.
  Status run_batch(const int32_t* tokens, const int64_t* samples, int64_t step, bool backward, double* loss,
                   int64_t* num_tokens);
  Status find_overflow(const int32_t* tokens, const int64_t* samples, int64_t step, std::string* report);
  void load_tokens(const int32_t* tokens, int64_t batch, int64_t time, int64_t stride);
  Status reduce_totals(double* first, double* second, const char* name);

  TrainerConfig config_;
  Place place_;
  Heartbeat* heartbeat_;
  ThreadPool pool_;
  Context context_;
  RankEnv env_;
  std::unique_ptr<Arena> arena_;
  size_t planned_bytes_ = 0;
  Gpt2 model_;
  Progress progress_;
  Tensor ids_;                 // (B,T) i32
  Tensor targets_;             // (B,T) i32
  Tensor totals_;              // (2) f64
  double gradient_scale_ = 1;  // of what stands in the gradients
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_RANK_H_
