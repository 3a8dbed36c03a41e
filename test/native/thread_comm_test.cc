// Collectives of ranks as threads. Runs under the thread sanitizer too.
#include "comm/thread_comm.h"

#include "communicator_suite.h"

namespace millrace::testing {
namespace {

CommunicatorKind threads() {
  CommunicatorKind kind;
  kind.name = "Threads";
  kind.create = [](int num_ranks, Communicators* out) {
    *out = create_thread_group(num_ranks);
    return ok();
  };
  kind.open = [](int, std::shared_ptr<Device>* out) {
    *out = shared_host_device();
    return ok();
  };
  kind.most_ranks = 20;
  return kind;
}

INSTANTIATE_TEST_SUITE_P(ThreadComm, CommunicatorTest, ::testing::Values(threads()),
                         [](const auto& info) { return info.param.name; });

TEST(HeartbeatTest, OperationsAreNamedTruncatedAndTimed) {
  mr_status_row row = {};
  Heartbeat heartbeat(&row);
  heartbeat.set_step(7);
  heartbeat.set_operation("layer %d %s", 3, std::string(200, 'x').c_str());
  EXPECT_EQ(row.step, 7u);
  EXPECT_EQ(std::strlen(row.operation), 127u);
  EXPECT_EQ(std::string(row.operation, 9), "layer 3 x");
  EXPECT_GT(row.changed_ns, 0u);
  EXPECT_EQ(row.ticks, 2u);
  Heartbeat nobody(nullptr);
  nobody.set_operation("nothing");
  nobody.enter_collective();
}

}  // namespace
}  // namespace millrace::testing
