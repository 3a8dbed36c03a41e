// What stands behind mr_trainer: this process's ranks, one a thread, their communicators and their rows of the status
// page.
#ifndef MILLRACE_API_TRAINER_HANDLE_H_
#define MILLRACE_API_TRAINER_HANDLE_H_

#include <functional>
#include <memory>
#include <vector>

#include "api/mesh.h"
#include "api/rank_threads.h"
#include "core/heartbeat.h"
#include "millrace/status_page.h"
#include "millrace/trainer.h"
#include "train/rank.h"

namespace millrace {

// Writes the page's header and clears the ranks' rows, which *rows then points at; null without a page. The row after
// them belongs to the host's loop and is left alone.
Status open_status_page(void* page, size_t bytes, int num_ranks, mr_status_row** rows);

// Which ranks of a run are in this process: all, or one. GPUs are dealt to the ranks of a machine, `on_machine` of
// them, of which the first here is number `number_on_machine`.
struct RanksHere {
  int first = 0;
  int count = 1;
  int number_on_machine = 0;
  int on_machine = 1;

  static Status find(const TrainerConfig&, RanksHere* out);
};

}  // namespace millrace

struct mr_trainer {
  // `rows` may be null; else it outlives this object.
  mr_trainer(const millrace::TrainerConfig& config, const millrace::RanksHere& here, mr_status_row* rows);
  // Each rank's memory is freed by the thread that made it.
  ~mr_trainer();
  mr_trainer(const mr_trainer&) = delete;
  mr_trainer& operator=(const mr_trainer&) = delete;

  millrace::Status create_ranks(const millrace::OpTable& ops);

  // Work that all ranks do together; a failure ends this trainer, and later calls say so.
  millrace::Status run_together(const std::function<millrace::Status(millrace::Rank&)>& work);
  // Work that each rank does for itself, or that is refused on all alike; the trainer stays usable.
  millrace::Status run_apart(const std::function<millrace::Status(millrace::Rank&)>& work);

  // MR_INVALID_ARGUMENT when steps are outstanding, which `call` must not find; a trainer that has failed says so
  // itself.
  millrace::Status settled(const char* call) const;
  int num_outstanding() const { return ranks_.front()->num_outstanding(); }
  int steps_ahead() const { return ranks_.front()->steps_ahead(); }

  // The text is the trainer's until the next one.
  const char* keep_overflow(std::string text) {
    overflow_ = std::move(text);
    return overflow_.c_str();
  }

  // The rows are the trainer's until the next ones.
  const std::vector<mr_op_time>& keep_profile(std::vector<millrace::OpTime> times);

  // Results that all ranks have alike are taken from this one.
  bool is_first_here(const millrace::Rank& rank) const { return &rank == ranks_.front().get(); }
  // MR_INVALID_ARGUMENT where ranks are processes.
  millrace::Status need_all_ranks(const char* call) const;

  // Who writes checkpoints.
  bool keeps_snapshots() const { return here_.first == 0; }

  const millrace::TrainerConfig& config() const { return config_; }
  const millrace::Progress& progress() const { return ranks_.front()->progress(); }
  // The table of logical tensors is the same on every rank.
  const std::vector<millrace::Parameter>& parameters() const { return ranks_.front()->model().parameters().all(); }

 private:
  millrace::TrainerConfig config_;
  millrace::RanksHere here_;
  millrace::Mesh mesh_;
  std::vector<millrace::Heartbeat> heartbeats_;
  millrace::RankThreads threads_;
  std::vector<std::unique_ptr<millrace::Rank>> ranks_;
  std::string overflow_;
  std::vector<millrace::OpTime> profile_;
  std::vector<mr_op_time> profile_rows_;  // over the names of profile_
  millrace::Status failure_;              // of an earlier call: the groups are poisoned and stay so
};

#endif  // MILLRACE_API_TRAINER_HANDLE_H_
