// The laws of communicators, as far as NCCL keeps them, over an emulated NCCL; and what becomes of a group when the
// library is slow, fails or never ends.
#include "comm/nccl_comm.h"

#include <atomic>
#include <memory>

#include "comm/device_group.h"
#include "communicator_suite.h"
#include "core/backend.h"
#include "emulated_machine.h"
#include "emulator/nccl_faults.h"

namespace millrace::testing {
namespace {

using emulator::nccl_faults;
using namespace std::chrono_literals;

// A line of doubles of each of seven peers: sums take several pieces.
constexpr size_t kGathered = 7 * 64 * sizeof(double);

CommunicatorKind nccl(bool late, bool tree) {
  CommunicatorKind kind;
  kind.name = std::string(tree ? "NcclTree" : "Nccl") + (late ? "Late" : "Eager");
  kind.create = [tree](int num_ranks, Communicators* out) {
    return create_nccl_group(num_ranks, tree, NcclLimits{}, out);
  };
  kind.most_ranks = 8;
  kind.most_elements = 1001;
  kind.rounds = 30;
  kind.aborts = 3;
  kind.by_tree = tree;
  kind.gathered_bytes = tree ? kGathered : 0;
  const auto machine = std::make_shared<std::unique_ptr<EmulatedMachine>>();
  kind.open = [=](int rank, std::shared_ptr<Device>* out) { return (*machine)->open(rank, rank, out); };
  kind.before = [=] {
    *machine = std::make_unique<EmulatedMachine>(8, late, false);
    EXPECT_EQ(nccl_faults().live, 0);
  };
  kind.after = [=] {
    machine->reset();
    EXPECT_EQ(nccl_faults().live, 0) << "communicators that nobody ended";
  };
  return kind;
}

INSTANTIATE_TEST_SUITE_P(NcclComm, CommunicatorTest,
                         ::testing::Values(nccl(false, false), nccl(true, false), nccl(false, true), nccl(true, true)),
                         [](const auto& info) { return info.param.name; });

// Three ranks over the emulated library, which a test makes fail.
class NcclFaultTest : public ::testing::Test {
 protected:
  static constexpr int kRanks = 3;

  void SetUp() override {
    nccl_faults().aborted = 0;
    nccl_faults().destroyed = 0;
  }
  void TearDown() override {
    nccl_faults().questions = 3;
    nccl_faults().stalls = false;
    nccl_faults().failing_rank = -1;
  }

  // Runs `body` on each rank of a new group, which is gone when this returns.
  std::vector<Status> run(const NcclLimits& limits,
                          const std::function<Status(Communicator&, Context&, Tensor)>& body) {
    Communicators communicators;
    EXPECT_TRUE(create_nccl_group(kRanks, false, limits, &communicators).ok());
    std::vector<Status> results(kRanks);
    std::vector<std::thread> threads;
    for (int r = 0; r < kRanks; ++r) {
      threads.emplace_back([&, r] {
        std::shared_ptr<Device> device;
        EXPECT_TRUE(machine_.open(r, r, &device).ok());
        Heartbeat heartbeat(&rows()[r]);
        Context context;
        context.device = device.get();
        context.stream = device->stream();
        context.heartbeat = &heartbeat;
        Values<float> values(context, std::vector<float>(100, 1.0f));
        results[static_cast<size_t>(r)] = body(*communicators[static_cast<size_t>(r)], context, values.tensor());
      });
    }
    for (std::thread& thread : threads) thread.join();
    return results;
  }
  static std::array<mr_status_row, kRanks>& rows() {
    static std::array<mr_status_row, kRanks> rows{};
    return rows;
  }
  static Status sum(Communicator& comm, Context& context, Tensor values) {
    return comm.all_reduce(context, values, ReduceOp::kSum, "gradients");
  }
  static void expect_all_fail(const std::vector<Status>& results, const std::string& words) {
    for (const Status& status : results) {
      EXPECT_FALSE(status.ok());
      EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
    }
  }

  EmulatedMachine machine_{kRanks, false, false};
};

TEST_F(NcclFaultTest, AGroupWhoseWorkIsDoneIsFinalizedAndDestroyed) {
  for (const Status& status : run(NcclLimits{}, sum)) EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(nccl_faults().destroyed, kRanks);
  EXPECT_EQ(nccl_faults().aborted, 0);
  EXPECT_EQ(nccl_faults().live, 0);
}

TEST_F(NcclFaultTest, RanksThatAreAskedToWaitGiveSignsOfLife) {
  nccl_faults().questions = 50;
  rows() = {};
  for (const Status& status : run(NcclLimits{}, sum)) EXPECT_TRUE(status.ok()) << status.message();
  for (const mr_status_row& row : rows()) EXPECT_GE(row.ticks, 100u);  // connecting, and the sum
}

TEST_F(NcclFaultTest, RanksThatNeverConnectGiveUpInTime) {
  nccl_faults().stalls = true;
  NcclLimits limits;
  limits.patience = 30ms;
  expect_all_fail(run(limits, sum), "expected ncclCommInitRankConfig to be done within 30 ms");
  // A rank that comes after the first has given up makes no communicator any more.
  EXPECT_EQ(nccl_faults().live, 0);
  EXPECT_GE(nccl_faults().aborted, 1);
  EXPECT_EQ(nccl_faults().destroyed, 0);
}

TEST_F(NcclFaultTest, ACollectiveThatIsNeverTakenUpIsGivenUpInTime) {
  NcclLimits limits;
  limits.patience = 200ms;
  const auto body = [](Communicator& comm, Context& context, Tensor values) -> Status {
    MR_RETURN_IF_ERROR(sum(comm, context, values));
    nccl_faults().stalls = true;
    return sum(comm, context, values);
  };
  expect_all_fail(run(limits, body), "within 200 ms");
  EXPECT_EQ(nccl_faults().live, 0);
}

TEST_F(NcclFaultTest, AnAsynchronousErrorInACollectiveEndsAllRanks) {
  const auto body = [](Communicator& comm, Context& context, Tensor values) -> Status {
    MR_RETURN_IF_ERROR(sum(comm, context, values));
    if (comm.rank() == 1) nccl_faults().failing_rank = 1;
    Status status;
    while (status.ok()) status = sum(comm, context, values);
    return status;
  };
  expect_all_fail(run(NcclLimits{}, body), "remote process exited or there was a network error");
  EXPECT_EQ(nccl_faults().live, 0);
}

// Between collectives, when a rank computes or waits for its device, nobody calls the library.
TEST_F(NcclFaultTest, TheWatchFindsAnErrorThatComesBetweenCollectivesAndAbortsAll) {
  NcclLimits limits;
  limits.watch_every = 1ms;
  const auto body = [](Communicator& comm, Context& context, Tensor values) -> Status {
    MR_RETURN_IF_ERROR(sum(comm, context, values));
    MR_RETURN_IF_ERROR(comm.barrier(context, "before the error"));
    if (comm.rank() == 2) nccl_faults().failing_rank = 2;
    while (nccl_faults().aborted < kRanks) std::this_thread::yield();
    return sum(comm, context, values);
  };
  const std::vector<Status> results = run(limits, body);
  expect_all_fail(results, "rank 2: NCCL: a collective under way failed: remote process exited");
  expect_all_fail(results, "\"gradients\"");
  EXPECT_EQ(nccl_faults().live, 0);
}

TEST_F(NcclFaultTest, AbortFromAnyThreadEndsRanksThatWaitInTheLibrary) {
  std::atomic<int> waiting{0};
  const auto body = [&](Communicator& comm, Context& context, Tensor values) -> Status {
    MR_RETURN_IF_ERROR(sum(comm, context, values));
    nccl_faults().stalls = true;
    std::thread stopper;
    if (++waiting == kRanks) {
      stopper = std::thread([&comm] {
        std::this_thread::sleep_for(20ms);
        comm.abort(Status(MR_IO, "the disk is full"));
      });
    }
    const Status status = sum(comm, context, values);
    if (stopper.joinable()) stopper.join();
    return status;
  };
  const std::vector<Status> results = run(NcclLimits{}, body);
  expect_all_fail(results, "\"gradients\": the disk is full");
  for (const Status& status : results) EXPECT_EQ(status.code(), MR_IO);
  EXPECT_EQ(nccl_faults().aborted, kRanks);
}

TEST_F(NcclFaultTest, TwoRanksOnOneGpuAreRefusedByTheLibraryOnAllRanks) {
  Communicators communicators;
  ASSERT_TRUE(create_nccl_group(2, false, NcclLimits{}, &communicators).ok());
  std::vector<std::thread> threads;
  for (int r = 0; r < 2; ++r) {
    threads.emplace_back([&, r] {
      std::shared_ptr<Device> device;
      ASSERT_TRUE(machine_.open(r, 0, &device).ok());
      Context context;
      context.device = device.get();
      context.stream = device->stream();
      const Status status = communicators[static_cast<size_t>(r)]->barrier(context, "meet");
      EXPECT_NE(status.message().find("ncclCommInitRankConfig failed: invalid usage"), std::string::npos)
          << status.message();
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(NcclFaultTest, GpusThatDoNotReachEachOthersMemoryAreJoinedByNccl) {
  Communicators communicators;
  ASSERT_TRUE(create_device_group({0, 1, 2}, false, &communicators).ok());
  std::vector<std::thread> threads;
  for (int r = 0; r < kRanks; ++r) {
    threads.emplace_back([&, r] {
      std::shared_ptr<Device> device;
      ASSERT_TRUE(machine_.open(r, r, &device).ok());
      Context context;
      context.device = device.get();
      context.stream = device->stream();
      EXPECT_TRUE(communicators[static_cast<size_t>(r)]->barrier(context, "meet").ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(nccl_faults().live, kRanks);
}

}  // namespace
}  // namespace millrace::testing
