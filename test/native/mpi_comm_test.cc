// The laws of communicators for ranks that are processes, joined by MPI. Which tests there are follows from how many
// the launcher started.
#include "comm/mpi_comm.h"

#include "launched_groups.h"

namespace millrace::testing {
namespace {

CommunicatorKind processes() {
  CommunicatorKind kind = launched_kind([](const Members& members, std::unique_ptr<Communicator>* out) {
    *out = create_mpi_member(*world, members);
    return ok();
  });
  kind.open = [](int, std::shared_ptr<Device>* out) {
    *out = shared_host_device();
    return ok();
  };
  kind.aborts = 5;
  return kind;
}

INSTANTIATE_TEST_SUITE_P(MpiComm, CommunicatorTest, ::testing::Values(processes()),
                         [](const auto& info) { return info.param.name; });

TEST(MpiWorldTest, WorkOfManyThreadsRunsOnOne) {
  std::vector<std::thread::id> ran(8);
  std::vector<std::thread> callers;
  for (std::thread::id& id : ran) {
    callers.emplace_back([&id] {
      EXPECT_TRUE(world
                      ->run([&id] {
                        id = std::this_thread::get_id();
                        return ok();
                      })
                      .ok());
    });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::thread::id id : ran) EXPECT_EQ(id, ran[0]);
  EXPECT_NE(ran[0], std::this_thread::get_id());
}

TEST(ProcessesApi, WhatTheFirstSaysIsHeardByAll) {
  for (const size_t size : {size_t{0}, size_t{5}, size_t{3'000'000}}) {
    const std::string said(world->rank() == 0 ? size : 7, world->rank() == 0 ? 'x' : 'y');
    const char* heard = nullptr;
    size_t bytes = 0;
    ASSERT_EQ(mr_processes_tell(said.data(), said.size(), &heard, &bytes), MR_OK) << mr_last_error();
    EXPECT_EQ(std::string(heard, bytes), std::string(size, 'x'));
  }
}

}  // namespace
}  // namespace millrace::testing

int main(int argc, char** argv) {
  return millrace::testing::run_launched(argc, argv, [] {});
}
