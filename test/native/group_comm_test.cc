// When a rank's own part of a collective fails: whoever asks behind the collective hears of it, in whatever order they
// run.
#include "comm/group_comm.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/context.h"

namespace millrace::testing {
namespace {

constexpr int kRuns = 2000;

class FailingComm : public GroupComm {
 public:
  FailingComm(CallGroup* group, int rank, bool fails) : GroupComm(group, rank), fails_(fails) {}

 private:
  Status perform(Context&, const Call&) override { return fails_ ? internal_error("launch failed") : ok(); }

  const bool fails_;
};

// How often rank 0 took its collective for done, of kRuns.
int believed(bool fails) {
  int count = 0;
  for (int i = 0; i < kRuns; ++i) {
    SlotGroup group(2);
    FailingComm sound(&group, 0, false), other(&group, 1, fails);
    float values[2] = {1, 1};
    const auto reduce = [&](Communicator& comm) {
      Context context;
      return comm.all_reduce(context, Tensor{&values[comm.rank()], DType::kF32, Shape(1)}, ReduceOp::kSum, "last",
                             nullptr);
    };
    std::thread peer([&] { EXPECT_EQ(reduce(other).ok(), !fails); });
    const Status own = reduce(sound);
    if (own.ok() && sound.status().ok()) ++count;
    peer.join();
  }
  return count;
}

TEST(GroupComm, AFailureIsKnownToAllBeforeAnyoneGoesOn) {
  EXPECT_EQ(believed(true), 0);
  EXPECT_EQ(believed(false), kRuns);
}

}  // namespace
}  // namespace millrace::testing
