// What the parts of gpu-check share: what was asked for, and the table that they fill.
#ifndef MILLRACE_TEST_GPU_GPU_CHECK_H_
#define MILLRACE_TEST_GPU_GPU_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/status.h"

namespace millrace::testing {

struct CheckOptions {
  std::string backend = "cuda";
  std::string only;      // run checks whose name holds this
  bool quick = false;    // fewer and smaller cases: for the emulator and under compute-sanitizer
  uint64_t seed = 1;     // of the random shapes
  std::string dump_dir;  // where the op cases are written for peer_errors.py
};

struct CheckRow {
  std::string name;
  double worst = 0;  // the largest error or the number of faults
  double bound = 0;
  bool ok = false;
  std::string note;  // where the worst is, or why the check failed
};

// Rows in the order in which they were added; printed as they come.
class CheckReport {
 public:
  explicit CheckReport(const CheckOptions& options) : options_(options) {}

  const CheckOptions& options() const { return options_; }
  const std::vector<CheckRow>& rows() const { return rows_; }
  bool wanted(const std::string& name) const { return name.find(options_.only) != std::string::npos; }
  bool all_ok() const;

  // worst <= bound; a worst that is not a number fails.
  void add(const std::string& name, double worst, double bound, const std::string& note);
  // A check that came to no figure.
  void fail(const std::string& name, const std::string& why);
  // Runs `check`, which adds its rows; an error of it is a failed row of that name.
  void run(const std::string& name, const std::function<Status()>& check);

 private:
  void add_row(CheckRow row);

  const CheckOptions& options_;
  std::vector<CheckRow> rows_;
};

// Each adds rows for what it checks.
void check_ops(CheckReport&);
void check_masks(CheckReport&);
void check_attention_engines(CheckReport&);
void check_communicator(CheckReport&);
void check_training(CheckReport&);
void check_replay(CheckReport&);

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_GPU_CHECK_H_
