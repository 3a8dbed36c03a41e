// Cases of op_cases.h at random shapes, with what PyTorch needs to compute the same (peer_errors.py).
#ifndef MILLRACE_TEST_GPU_RANDOM_CASES_H_
#define MILLRACE_TEST_GPU_RANDOM_CASES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "op_cases.h"

namespace millrace::testing {

struct RandomCase {
  std::string op;                // a name of PEERS in peer_errors.py, or of an op that PyTorch has no like of
  std::vector<int64_t> numbers;  // as the peer reads them
  float p = 0;                   // of dropout; 0: none
  Site site = Site::kInit;
  OpCase op_case;
};

// Every op, at odd shapes and at those of models: head sizes 64, 80, 96 and 128. `count` of each kind. The same seed
// gives the same cases.
std::vector<RandomCase> random_cases(uint64_t seed, int count, bool small);

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_RANDOM_CASES_H_
