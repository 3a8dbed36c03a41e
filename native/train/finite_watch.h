// FiniteWatch: an op table around another that looks at what every op reads and writes and remembers the first tensor
// that holds an infinity or something that is not a number. A step that overflowed is run again under it, since only
// then is it worth the passes over memory; the step is a pure function of its batch, so it overflows in the same place.
#ifndef MILLRACE_TRAIN_FINITE_WATCH_H_
#define MILLRACE_TRAIN_FINITE_WATCH_H_

#include <cstdint>
#include <string>

#include "core/ops.h"
#include "model/parameters.h"
#include "model/rank_env.h"

namespace millrace {

// It is the context that the table's functions are called with, which is how they find it.
class FiniteWatch : public Context {
 public:
  // Takes the place of env's table and context until destroyed. `counter` is space for one f64.
  FiniteWatch(RankEnv& env, const ParameterSet& parameters, Tensor counter);
  ~FiniteWatch();
  FiniteWatch(const FiniteWatch&) = delete;
  FiniteWatch& operator=(const FiniteWatch&) = delete;

  // Number of the op, from 1, after which the first such tensor was seen; 0: none was.
  int64_t found_at() const { return found_at_; }
  // "layer 3 mlp up forward, output pre: 2 of 6144 values"
  const std::string& report() const { return report_; }

  // For the table's functions.
  const OpTable& inner() const { return *inner_; }
  void begin_op() { ++num_ops_; }
  bool looking() const { return found_at_ == 0 && !env_.planning(); }
  Status look(const Tensor& tensor, const char* role, const std::string& argument);

 private:
  std::string name_of(const Tensor& tensor, const char* role, const std::string& argument) const;

  RankEnv& env_;
  const OpTable* const inner_;
  Context* const context_;
  const ParameterSet& parameters_;
  const Tensor counter_;
  OpTable ops_;
  int64_t num_ops_ = 0;
  int64_t found_at_ = 0;
  std::string report_;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_FINITE_WATCH_H_
