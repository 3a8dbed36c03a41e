// Ranks as processes, each on a GPU of its own, that NCCL joins with an id that came over MPI: the laws of
// communicators as far as NCCL keeps them, and training, over an emulated NCCL whose ranks are processes.
#include <cstring>

#include "api/processes.h"
#include "core/backend.h"
#include "emulated_machine.h"
#include "emulator/nccl_faults.h"
#include "launched_groups.h"
#include "launched_training.h"

namespace millrace::testing {
namespace {

CommunicatorKind nccl(bool tree) {
  CommunicatorKind kind = launched_kind([tree](const Members& members, std::unique_ptr<Communicator>* out) {
    return create_process_member(*cuda_backend(DType::kF32), members, tree, out);
  });
  if (tree) kind.name += "ByTree";
  // Nobody's work waits in a call: a rank's stream does, as a GPU's would.
  const auto machine = std::make_shared<std::unique_ptr<EmulatedMachine>>();
  kind.open = [=](int rank, std::shared_ptr<Device>* out) { return (*machine)->open(rank, rank, out); };
  kind.before = [=] { *machine = std::make_unique<EmulatedMachine>(4, true, false); };
  kind.after = [=] { machine->reset(); };
  kind.most_elements = 1001;
  kind.rounds = 10;
  kind.aborts = 3;
  kind.by_tree = tree || world->num_ranks() <= 2;  // of two there is one order
  kind.gathered_bytes = tree ? 3 * 64 * sizeof(double) : 0;
  return kind;
}

INSTANTIATE_TEST_SUITE_P(NcclOfProcesses, CommunicatorTest, ::testing::Values(nccl(false), nccl(true)),
                         [](const auto& info) { return info.param.name; });

// The same ranks as threads of this process. A run of processes comes behind one of these, which has timed all
// products: a rank that times waits for its stream, so for its peers' collectives, and the emulator runs these when
// their own processes wait, which a rank that finds its products timed by others would not do.
LaunchedRun train_as_threads(mr_trainer_config config) {
  config.processes = 0;
  emulator::nccl_faults().processes = false;
  LaunchedRun run = train_launched(config, 2);
  emulator::nccl_faults().processes = true;
  return run;
}

TEST(NcclOfProcesses, TrainsWithTheBitsOfTheSameRanksAsThreads) {
  const EmulatedMachine machine(4, true, false);
  mr_trainer_config config = launched_config();
  config.backend = "cuda";
  config.model.num_layers = 1;
  const LaunchedRun threads = train_as_threads(config);
  config.processes = 1;
  expect_same(train_launched(config, 2), threads);
}

TEST(NcclOfProcesses, FewerGpusThanProcessesAreRefusedBeforeAnyWork) {
  if (world->num_ranks() == 1) GTEST_SKIP() << "needs 2 processes, there is 1";
  const EmulatedMachine machine(1, true, false);
  mr_trainer_config config = launched_config();
  config.backend = "cuda";
  config.processes = 1;
  mr_trainer* trainer = nullptr;
  EXPECT_EQ(mr_trainer_create(&config, &trainer), MR_NO_DEVICE);
  EXPECT_NE(std::strstr(mr_last_error(), "NCCL connects no two on one, got 1"), nullptr) << mr_last_error();
}

// Every process also trains the whole model alone, on one GPU.
LaunchedRun train_verified(bool verify, int ranks) {
  mr_trainer_config config = launched_config();
  config.backend = "cuda";
  config.model.num_layers = 1;
  config.model.padded_vocab_size = 512;
  config.verify_parallel = verify ? 1 : 0;
  config.tensor_parallel = ranks;
  config.data_parallel = 1;
  if (ranks > 1) (void)train_as_threads(config);
  config.processes = ranks > 1 ? 1 : 0;
  return train_launched(config, 2);
}

TEST(NcclOfProcesses, VerifiedRunsHaveTheBitsOfOneRank) {
  const int ranks = world->num_ranks();
  if (ranks == 1) GTEST_SKIP() << "needs 2 processes, there is 1";
  const EmulatedMachine machine(4, true, false);
  expect_same(train_verified(true, ranks), train_verified(true, 1));
}

// The twin: ordinary runs add up in other orders and shapes.
TEST(NcclOfProcesses, OrdinaryRunsDoDifferFromOneRank) {
  const int ranks = world->num_ranks();
  if (ranks == 1) GTEST_SKIP() << "needs 2 processes, there is 1";
  const EmulatedMachine machine(4, true, false);
  EXPECT_NE(train_verified(false, ranks).figures, train_verified(false, 1).figures);
}

}  // namespace
}  // namespace millrace::testing

int main(int argc, char** argv) {
  return millrace::testing::run_launched(argc, argv, [] { emulator::nccl_faults().processes = true; });
}
