// Writes op cases with the results of one table for test/gpu/peer_errors.py: folder/values.f64, all values as
// little-endian f64, and folder/cases.json, which says where those of an argument begin.
#ifndef MILLRACE_TEST_GPU_DUMP_H_
#define MILLRACE_TEST_GPU_DUMP_H_

#include <cstdio>
#include <string>
#include <vector>

#include "random_cases.h"

namespace millrace::testing {

class Dump {
 public:
  // `precision`: "fp32", "bf16" or "fp16". Makes dir/precision.
  static Status create(const std::string& dir, const std::string& precision, Dump* out);

  // expected: of the f64 reference; actual: of the table. Outputs have no value before.
  Status add(const RandomCase&, const Values& before, const Values& expected, const Values& actual);
  Status finish();

 private:
  Status write(const Values& values, size_t argument, bool present, int64_t* offset);

  std::string folder_;
  std::string index_;
  std::FILE* values_ = nullptr;
  int64_t num_values_ = 0;
};

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_DUMP_H_
