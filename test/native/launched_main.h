// main() of tests that several processes run together, each with one rank of every group: all run the same tests, the
// first prints, the others say only what went wrong.
#ifndef MILLRACE_TEST_LAUNCHED_MAIN_H_
#define MILLRACE_TEST_LAUNCHED_MAIN_H_

#include <gtest/gtest.h>

#include <cstdio>

#include "comm/mpi_world.h"
#include "millrace/processes.h"

namespace millrace::testing {

inline MpiWorld* world = nullptr;

class Failures : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::fprintf(stderr, "rank %d: %s:%d: %s\n", world->rank(), result.file_name(), result.line_number(),
                 result.message());
  }
};

// Joins before the tests are made: how many ranks there are decides which. `configure` runs in between.
template <class Configure>
int run_launched(int argc, char** argv, const Configure& configure) {
  mr_process process;
  if (mr_processes_join(&process) != MR_OK || !MpiWorld::join(&world).ok()) {
    std::fprintf(stderr, "%s\n", mr_last_error());
    return 1;
  }
  configure();
  if (world->rank() > 0) GTEST_FLAG_SET(output, "");  // one file of results, not one a process
  ::testing::InitGoogleTest(&argc, argv);
  if (world->rank() > 0) {
    ::testing::TestEventListeners& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new Failures);
  }
  const int failed = RUN_ALL_TESTS();
  return mr_processes_leave(failed == 0) != MR_OK || failed != 0 ? 1 : 0;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_LAUNCHED_MAIN_H_
