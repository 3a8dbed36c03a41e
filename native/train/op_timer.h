// OpTimer: an op table around another that marks every call on the device's clock: where a step's time goes. It waits
// for nothing between calls, so ops overlap with the host as they do without it; what is enqueued between two ops
// (collectives, copies) is one row of its own.
#ifndef MILLRACE_TRAIN_OP_TIMER_H_
#define MILLRACE_TRAIN_OP_TIMER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/ops.h"
#include "core/stopwatch.h"
#include "model/rank_env.h"

namespace millrace {

struct OpTime {
  std::string name;  // "mlp up forward: linear_gelu_forward", over all layers
  int64_t calls = 0;
  double seconds = 0;
};

// It is the context that the table's functions are called with, which is how they find it.
class OpTimer : public Context {
 public:
  // Takes the place of env's table and context until destroyed.
  OpTimer(RankEnv& env, std::unique_ptr<Stopwatch> stopwatch);
  ~OpTimer();
  OpTimer(const OpTimer&) = delete;
  OpTimer& operator=(const OpTimer&) = delete;

  // Waits for what was enqueued; the rows of all calls so far, those with most time first.
  Status rows(std::vector<OpTime>* out);

  // For the table's functions.
  const OpTable& inner() const { return *inner_; }
  Status begin_op();
  Status end_op(const char* op);

 private:
  Status collect();

  RankEnv& env_;
  const OpTable* const inner_;
  Context* const context_;
  const std::unique_ptr<Stopwatch> stopwatch_;
  OpTable ops_;
  std::vector<OpTime*> pending_;  // of the laps since the last collect(): two an op
  std::map<std::string, OpTime> rows_;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_OP_TIMER_H_
