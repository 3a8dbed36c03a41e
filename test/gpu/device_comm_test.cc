// The laws of communicators for ranks on emulated GPUs that reach each other's memory: several on one GPU or one on
// each, with streams that run at once or as late as they may.
#include "comm/device_comm.h"

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "comm/device_group.h"
#include "communicator_suite.h"
#include "core/backend.h"
#include "cuda/runtime.h"
#include "emulated_machine.h"
#include "emulator/libraries.h"

namespace millrace::testing {
namespace {

std::vector<int> gpus_of(int num_ranks, int num_gpus) {
  std::vector<int> gpus;
  for (int r = 0; r < num_ranks; ++r) gpus.push_back(r % num_gpus);
  return gpus;
}

CommunicatorKind peers(int num_gpus, bool late, const DeviceOrder& order = {}) {
  CommunicatorKind kind;
  kind.name = "Gpus" + std::to_string(num_gpus) + (late ? "Late" : "Eager");
  kind.create = [=](int num_ranks, Communicators* out) {
    return create_peer_group(gpus_of(num_ranks, num_gpus), order, out);
  };
  kind.most_ranks = num_gpus == 1 ? 20 : 8;
  kind.most_elements = 1001;
  kind.rounds = 30;
  kind.aborts = 3;
  const auto machine = std::make_shared<std::unique_ptr<EmulatedMachine>>();
  kind.open = [=](int rank, std::shared_ptr<Device>* out) { return (*machine)->open(rank, rank % num_gpus, out); };
  kind.before = [=] { *machine = std::make_unique<EmulatedMachine>(num_gpus, late); };
  kind.after = [=] { machine->reset(); };
  return kind;
}

INSTANTIATE_TEST_SUITE_P(DeviceComm, CommunicatorTest,
                         ::testing::Values(peers(1, false), peers(1, true), peers(2, true), peers(4, true)),
                         [](const auto& info) { return info.param.name; });

// Work of ranks that share the first GPU, each on a thread and a stream of its own.
void on_each_rank(EmulatedMachine& machine, int num_ranks, const std::function<void(int, Context&)>& work) {
  std::vector<std::thread> threads;
  for (int r = 0; r < num_ranks; ++r) {
    threads.emplace_back([&, r] {
      std::shared_ptr<Device> device;
      ASSERT_TRUE(machine.open(r, 0, &device).ok());
      Context context;
      context.device = device.get();
      context.stream = device->stream();
      work(r, context);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// How many of the ranks read the sum, where streams run as late as they may.
int num_right_sums(const DeviceOrder& order) {
  constexpr int kRanks = 4;
  constexpr size_t kCount = 1000;  // a slice for every rank
  EmulatedMachine machine(1, true);
  Communicators communicators;
  EXPECT_TRUE(create_peer_group(gpus_of(kRanks, 1), order, &communicators).ok());
  std::array<bool, kRanks> right{};
  on_each_rank(machine, kRanks, [&](int r, Context& context) {
    Values<float> values(context, std::vector<float>(kCount, 1.0f));
    const Status status =
        communicators[static_cast<size_t>(r)]->all_reduce(context, values.tensor(), ReduceOp::kSum, "sum");
    EXPECT_TRUE(status.ok()) << status.message();
    right[static_cast<size_t>(r)] = values.read() == std::vector<float>(kCount, kRanks);
  });
  return static_cast<int>(std::count(right.begin(), right.end(), true));
}

TEST(DeviceComm, WaitsForWhoWritesItsInputsAndForWhoWritesItsResults) {
  EXPECT_EQ(num_right_sums(DeviceOrder{}), 4);
  // The twins.
  DeviceOrder early;
  early.after_writers_of_inputs = false;
  EXPECT_LT(num_right_sums(early), 4);
  DeviceOrder hasty;
  hasty.before_users_of_results = false;
  EXPECT_LT(num_right_sums(hasty), 4);
}

// A view may begin anywhere, so 16 bytes at once are not always allowed.
TEST(DeviceComm, BuffersThatAreNotAlignedAreAddedUpToTheSameBits) {
  EmulatedMachine machine(1, false);
  constexpr size_t kCount = 1003;
  Communicators communicators;
  ASSERT_TRUE(create_peer_group(gpus_of(2, 1), DeviceOrder{}, &communicators).ok());
  const std::vector<float> expected = tree_sum<float>(2, kCount);
  on_each_rank(machine, 2, [&](int r, Context& context) {
    std::vector<float> padded = values_of_rank<float>(r, kCount);
    padded.insert(padded.begin(), static_cast<size_t>(r) + 1, -7.0f);
    Values<float> values(context, padded);
    const Tensor view = values.tensor().rows(r + 1, kCount);
    const Status status = communicators[static_cast<size_t>(r)]->all_reduce(context, view, ReduceOp::kSum, "sum");
    EXPECT_TRUE(status.ok()) << status.message();
    const std::vector<float> all = values.read();
    EXPECT_TRUE(same_bits(std::vector<float>(all.begin() + r + 1, all.end()), expected));
    EXPECT_EQ(all[static_cast<size_t>(r)], -7.0f);
  });
}

TEST(DeviceComm, ACollectiveOnAStreamThatIsBeingRecordedIsRefusedOnAllRanks) {
  EmulatedMachine machine(1, false);
  Communicators communicators;
  ASSERT_TRUE(create_peer_group(gpus_of(2, 1), DeviceOrder{}, &communicators).ok());
  on_each_rank(machine, 2, [&](int r, Context& context) {
    context.stream->recording = r == 1;
    const Status status = communicators[static_cast<size_t>(r)]->barrier(context, "step");
    EXPECT_EQ(status.code(), MR_COMM);
    EXPECT_NE(status.message().find("rank 1 failed in barrier in \"step\""), std::string::npos) << status.message();
  });
}

TEST(DeviceComm, GroupsThatNoCommunicatorCanServeAreRefused) {
  Communicators communicators;
  const auto refused = [&](const std::vector<int>& gpus, bool bits_of_the_tree, mr_code code, const char* words) {
    const Status status = create_device_group(gpus, bits_of_the_tree, &communicators);
    EXPECT_EQ(status.code(), code);
    EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  };
  {
    EmulatedMachine machine(2, false);
    EXPECT_TRUE(create_device_group({0, 1, 0}, true, &communicators).ok());
    refused(std::vector<int>(65, 0), false, MR_INVALID_ARGUMENT, "at most 64 ranks");
  }
  const EmulatedMachine apart(2, false, false);
  EXPECT_TRUE(create_device_group({1, 1}, true, &communicators).ok());
  refused({0, 1, 0}, false, MR_NO_DEVICE, "3 ranks on 2 GPUs");
  emulator::hide_library("libnccl.so.2", true);
  refused({0, 1}, false, MR_NO_DEVICE, "libnccl.so.2");
  emulator::hide_library("libnccl.so.2", false);
}

}  // namespace
}  // namespace millrace::testing
