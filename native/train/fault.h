// Faults for tests of supervision, from the environment variable MILLRACE_FAULT, read when a trainer is created:
//   freeze:rank=1,step=3    that rank stops for ever inside step 3, between two operations
//   fail:rank=0,step=2      that rank returns an error in step 2
#ifndef MILLRACE_TRAIN_FAULT_H_
#define MILLRACE_TRAIN_FAULT_H_

#include <cstdint>

#include "core/status.h"

namespace millrace {

struct Fault {
  enum class Kind : uint8_t { kNone, kFreeze, kFail };
  Kind kind = Kind::kNone;
  int rank = 0;
  int64_t step = 0;

  // Null or empty text: no fault.
  static Status parse(const char* text, Fault* out);
  // Called by every rank once a step, in the midst of it.
  Status strike(int rank, int64_t step) const;
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_FAULT_H_
