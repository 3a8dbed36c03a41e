// The laws of a group of communicators, for every kind of group: what is instantiated with a CommunicatorKind runs them
// all. Tensors are wherever the kind's devices keep them.
#ifndef MILLRACE_TEST_COMMUNICATOR_SUITE_H_
#define MILLRACE_TEST_COMMUNICATOR_SUITE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "comm/communicator.h"
#include "communicator_values.h"
#include "core/device.h"
#include "core/half.h"
#include "core/thread_pool.h"
#include "millrace/status_page.h"

namespace millrace::testing {

// By rank; null where another process has that rank.
using Communicators = std::vector<std::unique_ptr<Communicator>>;
// What each rank of this process ended with.
using Results = std::map<int, Status>;

struct CommunicatorKind {
  std::string name;
  std::function<Status(int num_ranks, Communicators*)> create;
  // Called on the rank's thread.
  std::function<Status(int rank, std::shared_ptr<Device>*)> open;
  int most_ranks = 8;
  size_t most_elements = 700001;
  int rounds = 300;  // of short collectives in a row
  int aborts = 20;   // in the midst of collectives, each at another moment
  // Sums have the bits of the tree, 16-bit ones are rounded once, and a maximum keeps what is not a number. Otherwise
  // sums are only close, and equal on all ranks.
  bool by_tree = true;
  bool in_one_process = true;
  size_t gathered_bytes = 0;  // of every context's `gathered`
  std::function<void()> before = [] {};
  std::function<void()> after = [] {};
};

// A group of so many, or a reason why there is none.
#define MR_NEED_RANKS(count)                                                          \
  if (kind().most_ranks < (count)) {                                                  \
    GTEST_SKIP() << "needs " << (count) << " ranks, there are " << kind().most_ranks; \
  }

class CommunicatorTest : public ::testing::TestWithParam<CommunicatorKind> {
 protected:
  using Rank = std::function<Status(Communicator&, Context&)>;

  void SetUp() override { kind().before(); }
  void TearDown() override { kind().after(); }
  static const CommunicatorKind& kind() { return GetParam(); }

  // Runs `body` on one thread a rank of this process and returns what each ended with.
  static Results run_ranks(Communicators& communicators, const Rank& body) {
    Results results;
    std::vector<std::thread> threads;
    for (const auto& communicator : communicators) {
      if (communicator == nullptr) continue;
      Status& result = results[communicator->rank()];
      threads.emplace_back([&, &comm = *communicator, &result = result] {
        std::shared_ptr<Device> device;
        const Status opened = kind().open(comm.rank(), &device);
        if (!opened.ok()) {
          comm.abort(opened);
          result = opened;
          return;
        }
        ThreadPool pool(1);
        Context context;
        context.device = device.get();
        context.stream = device->stream();
        context.pool = &pool;
        Context at_rest = context;  // the body may change its own
        std::optional<Values<int32_t>> gathered;
        if (kind().gathered_bytes > 0) {
          gathered.emplace(at_rest, std::vector<int32_t>(kind().gathered_bytes / sizeof(int32_t)));
          context.gathered = gathered->tensor();
        }
        result = body(comm, context);
      });
    }
    for (std::thread& thread : threads) thread.join();
    return results;
  }
  static Results run_ranks(int num_ranks, const Rank& body) {
    Communicators communicators;
    const Status created = kind().create(num_ranks, &communicators);
    if (!created.ok()) return {{0, created}};
    return run_ranks(communicators, body);
  }

  static void expect_ok(const Results& results) {
    for (const auto& [rank, status] : results) EXPECT_TRUE(status.ok()) << status.message();
  }

  template <class T>
  static bool as_expected(const std::vector<T>& sum, const std::vector<T>& tree) {
    return kind().by_tree || std::is_integral_v<T> ? same_bits(sum, tree) : close(sum, tree);
  }

  // All-reduces of so many elements each, one after the other.
  template <class T>
  static void expect_sums(int num_ranks, std::vector<size_t> counts) {
    if (num_ranks > kind().most_ranks) return;
    std::erase_if(counts, [](size_t count) { return count > kind().most_elements; });
    std::vector<std::map<int, std::vector<T>>> sums(counts.size());
    std::mutex mutex;
    expect_ok(run_ranks(num_ranks, [&](Communicator& comm, Context& context) -> Status {
      for (size_t i = 0; i < counts.size(); ++i) {
        Values<T> values(context, values_of_rank<T>(comm.rank(), counts[i]));
        MR_RETURN_IF_ERROR(comm.all_reduce(context, values.tensor(), ReduceOp::kSum, "sum"));
        std::vector<T> sum = values.read();
        const std::lock_guard lock(mutex);
        sums[i][comm.rank()] = std::move(sum);
        EXPECT_EQ(comm.num_collectives(), i + 1);
      }
      return ok();
    }));
    for (size_t i = 0; i < counts.size(); ++i) {
      const std::vector<T> expected = tree_sum<T>(num_ranks, counts[i]);
      for (const auto& [rank, sum] : sums[i]) {
        EXPECT_TRUE(as_expected(sum, expected)) << num_ranks << " ranks, " << counts[i];
        EXPECT_TRUE(same_bits(sum, sums[i].begin()->second)) << num_ranks << " ranks, " << counts[i];
      }
    }
  }

  template <class Half>
  static void expect_one_rounding() {
    constexpr size_t kCount = 3001;
    const int ranks = std::min(8, kind().most_ranks);
    const auto halves_of_rank = [](int rank) {
      std::vector<Half> halves;
      for (const float value : values_of_rank<float>(rank, kCount)) halves.emplace_back(value * 0.001f);
      return halves;
    };
    std::vector<std::vector<float>> terms;
    for (int r = 0; r < ranks; ++r) {
      const std::vector<Half> halves = halves_of_rank(r);
      terms.emplace_back(halves.begin(), halves.end());
    }
    const std::vector<float> sum = sum_by_tree(std::move(terms));
    expect_ok(run_ranks(ranks, [&](Communicator& comm, Context& context) -> Status {
      Values<Half> values(context, halves_of_rank(comm.rank()));
      MR_RETURN_IF_ERROR(comm.all_reduce(context, values.tensor(), ReduceOp::kSum, "sum"));
      const std::vector<Half> halves = values.read();
      size_t different = 0;
      for (size_t i = 0; i < kCount; ++i) different += halves[i].bits != Half(sum[i]).bits;
      EXPECT_EQ(different == 0, kind().by_tree) << different;
      return ok();
    }));
  }

  // Every rank must end, with an error that names both sides; then the group stays poisoned.
  static void expect_disagreement(const Rank& call, const std::vector<std::string>& words) {
    const Results results = run_ranks(3, [&](Communicator& comm, Context& context) {
      const Status first = call(comm, context);
      EXPECT_EQ(comm.barrier(context, "after").code(), MR_COMM);
      return first;
    });
    for (const auto& [rank, status] : results) {
      EXPECT_EQ(status.code(), MR_COMM);
      for (const std::string& word : words) {
        EXPECT_NE(status.message().find(word), std::string::npos) << word << " in: " << status.message();
      }
    }
  }
};

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommunicatorTest);

TEST_P(CommunicatorTest, AllReduceEqualsTheSumByATreeWithTheSameBitsOnEveryRank) {
  for (int num_ranks = 1; num_ranks <= 8; ++num_ranks) {
    expect_sums<float>(num_ranks, {0, 1, 3, 63, 64, 65, 1000, 4097, 70001});
  }
  for (const int num_ranks : {2, 3, 8}) {
    expect_sums<float>(num_ranks, {700001});  // several chunks
    expect_sums<double>(num_ranks, {1001});
    expect_sums<int32_t>(num_ranks, {1001});
    expect_sums<int64_t>(num_ranks, {1001});
  }
  for (const int num_ranks : {9, 20}) expect_sums<float>(num_ranks, {1001});
}

// The twin: these values do show another order of addition.
TEST_P(CommunicatorTest, ASumRankAfterRankHasOtherBits) {
  for (const int num_ranks : {4, 8}) {
    std::vector<float> sum = values_of_rank<float>(0, 1000);
    for (int r = 1; r < num_ranks; ++r) {
      const std::vector<float> values = values_of_rank<float>(r, 1000);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
    }
    EXPECT_FALSE(same_bits(sum, tree_sum<float>(num_ranks, 1000)));
    EXPECT_TRUE(close(sum, tree_sum<float>(num_ranks, 1000)));
  }
}

// What --verify-parallel rests on, and what other orders of addition do not give.
TEST_P(CommunicatorTest, AGroupOfHalvesAddsToTheBitsOfAllRanks) {
  constexpr size_t kCount = 1001;
  const std::vector<float> whole = tree_sum<float>(8, kCount);
  std::atomic<bool> same{true};
  bool any = false;
  for (const int num_ranks : {2, 4}) {
    if (num_ranks > kind().most_ranks) continue;
    any = true;
    expect_ok(run_ranks(num_ranks, [&](Communicator& comm, Context& context) -> Status {
      const int held = 8 / num_ranks;
      Values<float> half(context, tree_sum<float>(held, kCount, comm.rank() * held));
      MR_RETURN_IF_ERROR(comm.all_reduce(context, half.tensor(), ReduceOp::kSum, "sum"));
      if (!same_bits(half.read(), whole)) same = false;
      return ok();
    }));
  }
  EXPECT_EQ(same, kind().by_tree || !any);
}

TEST_P(CommunicatorTest, SixteenBitSumsAreFormedInF32AndRoundedOnce) {
  expect_one_rounding<BFloat16>();
  expect_one_rounding<Float16>();
}

TEST_P(CommunicatorTest, MaximumIsTheLargestAndNotANumberWins) {
  MR_NEED_RANKS(3);
  expect_ok(run_ranks(3, [](Communicator& comm, Context& context) -> Status {
    const float nan = std::nanf("");
    Values<float> values(context, {static_cast<float>(-comm.rank()), static_cast<float>(comm.rank()), -INFINITY,
                                   comm.rank() == 1 ? nan : 5.0f});
    MR_RETURN_IF_ERROR(comm.all_reduce(context, values.tensor(), ReduceOp::kMax, "max"));
    const std::vector<float> largest = values.read();
    EXPECT_EQ(largest[0], 0.0f);
    EXPECT_EQ(largest[1], 2.0f);
    EXPECT_EQ(largest[2], -INFINITY);
    EXPECT_EQ(std::isnan(largest[3]), kind().by_tree);
    return ok();
  }));
}

TEST_P(CommunicatorTest, GatherScatterAndBroadcastMoveTheRightParts) {
  for (int num_ranks = 1; num_ranks <= std::min(5, kind().most_ranks); ++num_ranks) {
    constexpr size_t kCount = 1001;
    const size_t ranks = static_cast<size_t>(num_ranks);
    const std::vector<float> sum = tree_sum<float>(num_ranks, kCount * ranks);
    expect_ok(run_ranks(num_ranks, [&](Communicator& comm, Context& context) -> Status {
      const size_t rank = static_cast<size_t>(comm.rank());
      Values<float> own(context, values_of_rank<float>(comm.rank(), kCount));
      Values<float> all(context, std::vector<float>(kCount * ranks));
      MR_RETURN_IF_ERROR(comm.all_gather(context, all.tensor(), own.tensor(), "gather"));
      const std::vector<float> gathered = all.read();
      for (size_t r = 0; r < ranks; ++r) {
        const std::vector<float> part(gathered.begin() + r * kCount, gathered.begin() + (r + 1) * kCount);
        EXPECT_TRUE(same_bits(part, values_of_rank<float>(static_cast<int>(r), kCount)));
      }
      Values<float> wide(context, values_of_rank<float>(comm.rank(), kCount * ranks));
      MR_RETURN_IF_ERROR(comm.reduce_scatter(context, own.tensor(), wide.tensor(), "scatter"));
      EXPECT_TRUE(
          as_expected(own.read(), std::vector<float>(sum.begin() + rank * kCount, sum.begin() + (rank + 1) * kCount)));
      const int root = num_ranks - 1;
      Values<float> sent(context, values_of_rank<float>(comm.rank(), kCount));
      MR_RETURN_IF_ERROR(comm.broadcast(context, sent.tensor(), root, "broadcast"));
      EXPECT_TRUE(same_bits(sent.read(), values_of_rank<float>(root, kCount)));
      MR_RETURN_IF_ERROR(comm.barrier(context, "barrier"));
      EXPECT_EQ(comm.num_collectives(), 4u);
      return ok();
    }));
  }
}

// Without a look at them in between, so that on a device many are under way at once.
TEST_P(CommunicatorTest, ManyCollectivesInARowStayInStepWithMoreRanksThanProcessors) {
  const int ranks = std::min(8, kind().most_ranks);  // 8^300 is a double
  expect_ok(run_ranks(ranks, [&](Communicator& comm, Context& context) -> Status {
    Values<double> values(context, {1.0, static_cast<double>(comm.rank())});
    Values<int64_t> numbers(context, {1, comm.rank()});
    double expected = 1.0;
    for (int round = 0; round < kind().rounds; ++round) {
      MR_RETURN_IF_ERROR(comm.all_reduce(context, values.tensor(), ReduceOp::kSum, "round"));
      MR_RETURN_IF_ERROR(comm.all_reduce(context, numbers.tensor(), ReduceOp::kMax, "round"));
      expected *= ranks;
    }
    EXPECT_EQ(values.read()[0], expected);
    EXPECT_EQ(numbers.read()[1], ranks - 1);
    return ok();
  }));
}

// What a rank enqueues behind a collective sees its result; what its peers still have to read is not overwritten.
TEST_P(CommunicatorTest, ResultsAreUsedAndBuffersOverwrittenBehindACollectiveWithoutAnyWait) {
  constexpr size_t kCount = 300;
  const int ranks = std::min(4, kind().most_ranks);
  const std::vector<float> zeros(kCount, 0.0f);
  expect_ok(run_ranks(ranks, [&](Communicator& comm, Context& context) -> Status {
    Device& device = *context.device;
    Values<float> buffer(context, zeros), gathered(context, std::vector<float>(kCount * static_cast<size_t>(ranks)));
    std::vector<std::unique_ptr<Values<float>>> seen;
    for (int round = 0; round < 5; ++round) {
      const std::vector<float> own(kCount, static_cast<float>(comm.rank() + round));
      MR_RETURN_IF_ERROR(device.to_device(context, buffer.tensor().data, own.data(), kCount * sizeof(float)));
      MR_RETURN_IF_ERROR(comm.all_reduce(context, buffer.tensor(), ReduceOp::kSum, "sum"));
      seen.push_back(std::make_unique<Values<float>>(context, zeros));
      // A gather of one's own part copies what the sum has left.
      MR_RETURN_IF_ERROR(comm.all_gather(context, gathered.tensor(), buffer.tensor(), "copy"));
      MR_RETURN_IF_ERROR(comm.broadcast(context, buffer.tensor(), round % ranks, "broadcast"));
      MR_RETURN_IF_ERROR(comm.reduce_scatter(context, seen.back()->tensor(), gathered.tensor(), "spread"));
    }
    for (int round = 0; round < 5; ++round) {
      const float sum = static_cast<float>(ranks * (ranks - 1) / 2 + ranks * round);
      EXPECT_TRUE(same_bits(seen[static_cast<size_t>(round)]->read(),
                            std::vector<float>(kCount, sum * static_cast<float>(ranks))))
          << round;
    }
    return ok();
  }));
}

TEST_P(CommunicatorTest, RanksThatDisagreeGetAnErrorNamingRanksAndOperations) {
  MR_NEED_RANKS(3);
  const auto reduce = [](size_t count, DType dtype, ReduceOp op, const char* name) {
    return [=](Communicator& comm, Context& context) {
      Values<double> memory(context, std::vector<double>(count + 1));
      return comm.all_reduce(context, Tensor{memory.tensor().data, dtype, Shape(static_cast<int64_t>(count))}, op,
                             name);
    };
  };
  const auto usual = reduce(8, DType::kF32, ReduceOp::kSum, "layer 3 mlp g forward");
  const auto odd_one = [&](const Rank& other) -> Rank {
    return [=](Communicator& comm, Context& context) {
      return comm.rank() == 2 ? other(comm, context) : usual(comm, context);
    };
  };
  expect_disagreement(odd_one(reduce(7, DType::kF32, ReduceOp::kSum, "layer 3 mlp g forward")),
                      {"rank 0", "rank 2", "sum of 8 f32", "sum of 7 f32"});
  expect_disagreement(odd_one(reduce(8, DType::kF64, ReduceOp::kSum, "layer 3 mlp g forward")), {"8 f32", "8 f64"});
  expect_disagreement(odd_one(reduce(8, DType::kF32, ReduceOp::kMax, "layer 3 mlp g forward")), {"sum of", "max of"});
  expect_disagreement(odd_one(reduce(8, DType::kF32, ReduceOp::kSum, "layer 4 mlp g forward")),
                      {"\"layer 3 mlp g forward\" on rank 0", "\"layer 4 mlp g forward\" on rank 2"});
  expect_disagreement(odd_one([](Communicator& comm, Context& context) { return comm.barrier(context, "step"); }),
                      {"all_reduce", "barrier in \"step\" on rank 2"});
}

TEST_P(CommunicatorTest, ACallThatIsWrongByItselfReachesThePeers) {
  MR_NEED_RANKS(3);
  expect_disagreement(
      [](Communicator& comm, Context& context) {
        Values<float> buffer(context, std::vector<float>(4));
        Values<float> out(context, std::vector<float>(comm.rank() == 1 ? 11 : 12));
        return comm.all_gather(context, out.tensor(), buffer.tensor(), "gather");
      },
      {"rank 1", "all_gather of 4 f32 in \"gather\"", "expected 12", "got 11"});
  expect_disagreement(
      [](Communicator& comm, Context& context) {
        Values<float> buffer(context, std::vector<float>(4));
        return comm.broadcast(context, buffer.tensor(), 3, "root");
      },
      {"a root below 3"});
}

TEST_P(CommunicatorTest, AbortWakesEveryRankThatWaits) {
  MR_NEED_RANKS(4);
  const Results results = run_ranks(4, [](Communicator& comm, Context& context) -> Status {
    if (comm.rank() == 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the others are parked by now
      comm.abort(Status(MR_IO, "disk of rank 3 is full"));
      comm.abort(Status(MR_INTERNAL, "a later reason"));
      return ok();
    }
    Values<float> values(context, std::vector<float>(100));
    return comm.all_reduce(context, values.tensor(), ReduceOp::kSum, "gradients");
  });
  ASSERT_EQ(results.size(), kind().in_one_process ? 4u : 1u);
  for (const auto& [rank, status] : results) {
    if (rank == 3) continue;
    EXPECT_EQ(status.code(), MR_IO);
    EXPECT_NE(status.message().find("\"gradients\": disk of rank 3 is full"), std::string::npos) << status.message();
    EXPECT_NE(status.message().find("rank " + std::to_string(rank)), std::string::npos);
  }
}

// Ranks leave while others arrive: a rank may only return when nobody works on its memory any more.
TEST_P(CommunicatorTest, AbortInTheMidstOfCollectivesIsSafeAndEndsAllRanks) {
  MR_NEED_RANKS(4);
  for (int round = 0; round < kind().aborts; ++round) {
    Communicators communicators;
    ASSERT_TRUE(kind().create(4, &communicators).ok());
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::microseconds(10000 * round / kind().aborts));
      if (communicators[0] != nullptr) communicators[0]->abort(internal_error("enough"));
    });
    const Results results = run_ranks(communicators, [](Communicator& comm, Context& context) {
      Status status;
      while (status.ok()) {
        Values<float> values(context, std::vector<float>(5000, 1.0f));
        status = comm.all_reduce(context, values.tensor(), ReduceOp::kSum, "endless");
        const float last = values.read()[4999];
        // What an ended collective leaves on a device is no result.
        if (status.ok()) status = comm.status();
        EXPECT_TRUE(!status.ok() || last == 4.0f) << last;
      }
      return status;
    });
    stopper.join();
    for (const auto& [rank, status] : results) {
      EXPECT_NE(status.message().find("enough"), std::string::npos) << status.message();
    }
  }
}

TEST_P(CommunicatorTest, TheHeartbeatShowsWaitingInsideACollectiveAndComputingAfter) {
  MR_NEED_RANKS(2);
  mr_status_row rows[2] = {};
  const auto state = [&] { return std::atomic_ref<uint32_t>(rows[1].state).load(); };
  expect_ok(run_ranks(2, [&](Communicator& comm, Context& context) {
    Heartbeat heartbeat(&rows[comm.rank()]);
    context.heartbeat = &heartbeat;
    while (kind().in_one_process && comm.rank() == 0 && state() != MR_RANK_WAITING) std::this_thread::yield();
    return comm.barrier(context, "meet");
  }));
  for (const mr_status_row& row : rows) {
    if (row.ticks == 0 && !kind().in_one_process) continue;  // another process's
    EXPECT_EQ(row.state, static_cast<uint32_t>(MR_RANK_COMPUTING));
    EXPECT_EQ(row.collective_seq, 1u);
    EXPECT_GE(row.ticks, 2u);
  }
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_COMMUNICATOR_SUITE_H_
