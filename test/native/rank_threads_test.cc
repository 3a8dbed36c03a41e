// Which of several ranks' errors a run ends with: the same one however the threads are scheduled.
#include "api/rank_threads.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace millrace::testing {
namespace {

Status from(mr_code code, int rank) { return Status(code, "rank " + std::to_string(rank)); }

// What a run of three ranks ends with, each with its own outcome; they come to it in the order of `arrivals`.
std::string error_of(const std::vector<Status>& outcomes, const std::vector<int>& arrivals) {
  RankThreads threads(3);
  const Status status = threads.run([&](int rank) {
    const size_t i = static_cast<size_t>(rank);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 * arrivals[i]));
    return outcomes[i];
  });
  return status.message();
}

TEST(RankThreads, OfRanksThatFailTheLowestIsHeardInWhateverOrderTheyDo) {
  const std::vector<Status> outcomes = {ok(), from(MR_DIVERGED, 1), from(MR_DIVERGED, 2)};
  EXPECT_EQ(error_of(outcomes, {0, 0, 2}), "rank 1");
  EXPECT_EQ(error_of(outcomes, {0, 2, 0}), "rank 1");
}

TEST(RankThreads, AnEchoIsHeardOnlyWhereNobodyHasAnErrorOfItsOwn) {
  const std::vector<Status> one_origin = {from(MR_COMM, 0), from(MR_COMM, 1), from(MR_OUT_OF_MEMORY, 2)};
  EXPECT_EQ(error_of(one_origin, {0, 1, 2}), "rank 2");
  EXPECT_EQ(error_of(one_origin, {2, 1, 0}), "rank 2");
  const std::vector<Status> echoes = {from(MR_COMM, 0), from(MR_COMM, 1), ok()};
  EXPECT_EQ(error_of(echoes, {2, 0, 0}), "rank 1");
}

TEST(RankThreads, AnErrorIsForgottenWithItsRun) {
  RankThreads threads(2);
  EXPECT_EQ(threads.run([](int rank) -> Status { return rank == 0 ? from(MR_DIVERGED, 0) : ok(); }).code(),
            MR_DIVERGED);
  EXPECT_TRUE(threads.run([](int) { return ok(); }).ok());
  EXPECT_EQ(threads.run([](int rank) -> Status { return rank == 1 ? from(MR_DIVERGED, 1) : ok(); }).message(),
            "rank 1");
}

}  // namespace
}  // namespace millrace::testing
