// Collectives of ranks as threads. Runs under the thread sanitizer too.
#include "comm/thread_comm.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <functional>
#include <thread>

#include "core/half.h"
#include "millrace/status_page.h"

namespace millrace {
namespace {

using Rank = std::function<Status(Communicator&, Context&)>;

// Runs `body` on one thread a rank and returns what each ended with.
std::vector<Status> run_ranks(int num_ranks, const Rank& body) {
  auto communicators = create_thread_group(num_ranks);
  std::vector<Status> results(static_cast<size_t>(num_ranks));
  std::vector<std::thread> threads;
  for (size_t r = 0; r < results.size(); ++r) {
    threads.emplace_back([&, r] {
      ThreadPool pool(1);
      Context context;
      context.pool = &pool;
      results[r] = body(*communicators[r], context);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return results;
}

void expect_ok(const std::vector<Status>& results) {
  for (const Status& status : results) EXPECT_TRUE(status.ok()) << status.message();
}

template <class T>
Tensor tensor_of(std::vector<T>& values) {
  const DType dtype = sizeof(T) == 8 ? (std::is_integral_v<T> ? DType::kI64 : DType::kF64)
                                     : (std::is_integral_v<T> ? DType::kI32 : DType::kF32);
  return Tensor{values.data(), dtype, Shape(static_cast<int64_t>(values.size()))};
}

// Values whose sum depends on the order of addition.
template <class T>
std::vector<T> values_of_rank(int rank, size_t count) {
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i) {
    const double wave = std::sin(static_cast<double>(i) * 0.7 + rank * 1.3);
    values[i] = static_cast<T>(std::is_integral_v<T> ? 1000.0 * wave : wave * std::pow(10.0, (i + rank) % 5));
  }
  return values;
}

// Terms 0 and 1, 2 and 3, ...; then the sums of these, until one is left. A term without a partner waits.
template <class T>
std::vector<T> sum_by_tree(std::vector<std::vector<T>> terms) {
  for (size_t distance = 1; distance < terms.size(); distance *= 2) {
    for (size_t t = 0; t + distance < terms.size(); t += 2 * distance) {
      for (size_t i = 0; i < terms[t].size(); ++i) terms[t][i] += terms[t + distance][i];
    }
  }
  return terms[0];
}

template <class T>
std::vector<T> tree_sum(int num_ranks, size_t count, int first = 0) {
  std::vector<std::vector<T>> terms;
  for (int r = first; r < first + num_ranks; ++r) terms.push_back(values_of_rank<T>(r, count));
  return sum_by_tree(std::move(terms));
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

template <class T>
void expect_tree_sum(int num_ranks, size_t count) {
  const std::vector<T> expected = tree_sum<T>(num_ranks, count);
  expect_ok(run_ranks(num_ranks, [&](Communicator& comm, Context& context) -> Status {
    std::vector<T> values = values_of_rank<T>(comm.rank(), count);
    MR_RETURN_IF_ERROR(comm.all_reduce(context, tensor_of(values), ReduceOp::kSum, "sum"));
    EXPECT_TRUE(same_bits(values, expected)) << num_ranks << " ranks, " << count << ", rank " << comm.rank();
    EXPECT_EQ(comm.num_collectives(), 1u);
    return ok();
  }));
}

TEST(ThreadCommTest, AllReduceEqualsTheSumByATreeWithTheSameBitsOnEveryRank) {
  for (int num_ranks = 1; num_ranks <= 8; ++num_ranks) {
    for (const size_t count : {0, 1, 3, 63, 64, 65, 1000, 4097, 70001}) expect_tree_sum<float>(num_ranks, count);
  }
  for (const int num_ranks : {2, 3, 8}) {
    expect_tree_sum<float>(num_ranks, 700001);  // several chunks
    expect_tree_sum<double>(num_ranks, 1001);
    expect_tree_sum<int32_t>(num_ranks, 1001);
    expect_tree_sum<int64_t>(num_ranks, 1001);
  }
}

// The twin: these values do show another order of addition.
TEST(ThreadCommTest, ASumRankAfterRankHasOtherBits) {
  for (const int num_ranks : {4, 8}) {
    std::vector<float> sum = values_of_rank<float>(0, 1000);
    for (int r = 1; r < num_ranks; ++r) {
      const std::vector<float> values = values_of_rank<float>(r, 1000);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += values[i];
    }
    EXPECT_FALSE(same_bits(sum, tree_sum<float>(num_ranks, 1000)));
  }
}

// What --verify-parallel rests on.
TEST(ThreadCommTest, AGroupOfHalvesAddsToTheBitsOfAllRanks) {
  constexpr size_t kCount = 1001;
  const std::vector<float> whole = tree_sum<float>(8, kCount);
  for (const int num_ranks : {2, 4}) {
    expect_ok(run_ranks(num_ranks, [&](Communicator& comm, Context& context) -> Status {
      const int held = 8 / num_ranks;
      std::vector<float> half = tree_sum<float>(held, kCount, comm.rank() * held);
      MR_RETURN_IF_ERROR(comm.all_reduce(context, tensor_of(half), ReduceOp::kSum, "sum"));
      EXPECT_TRUE(same_bits(half, whole)) << num_ranks;
      return ok();
    }));
  }
}

template <class Half>
void expect_one_rounding(DType dtype) {
  constexpr int kRanks = 8;
  constexpr size_t kCount = 3001;
  const auto halves_of_rank = [](int rank) {
    std::vector<Half> halves;
    for (const float value : values_of_rank<float>(rank, kCount)) halves.emplace_back(value * 0.001f);
    return halves;
  };
  std::vector<std::vector<float>> terms;
  for (int r = 0; r < kRanks; ++r) {
    const std::vector<Half> halves = halves_of_rank(r);
    terms.emplace_back(halves.begin(), halves.end());
  }
  const std::vector<float> sum = sum_by_tree(std::move(terms));
  expect_ok(run_ranks(kRanks, [&](Communicator& comm, Context& context) -> Status {
    std::vector<Half> halves = halves_of_rank(comm.rank());
    const Tensor buffer{halves.data(), dtype, Shape(static_cast<int64_t>(kCount))};
    MR_RETURN_IF_ERROR(comm.all_reduce(context, buffer, ReduceOp::kSum, "sum"));
    for (size_t i = 0; i < kCount; ++i) EXPECT_EQ(halves[i].bits, Half(sum[i]).bits) << i;
    return ok();
  }));
}

TEST(ThreadCommTest, SixteenBitSumsAreFormedInF32AndRoundedOnce) {
  expect_one_rounding<BFloat16>(DType::kBF16);
  expect_one_rounding<Float16>(DType::kF16);
}

TEST(ThreadCommTest, MaximumIsTheLargestAndNotANumberWins) {
  expect_ok(run_ranks(3, [](Communicator& comm, Context& context) -> Status {
    const float nan = std::nanf("");
    std::vector<float> values = {static_cast<float>(-comm.rank()), static_cast<float>(comm.rank()),
                                 comm.rank() == 1 ? nan : 5.0f, -INFINITY};
    MR_RETURN_IF_ERROR(comm.all_reduce(context, tensor_of(values), ReduceOp::kMax, "max"));
    EXPECT_EQ(values[0], 0.0f);
    EXPECT_EQ(values[1], 2.0f);
    EXPECT_TRUE(std::isnan(values[2]));
    EXPECT_EQ(values[3], -INFINITY);
    return ok();
  }));
}

TEST(ThreadCommTest, GatherScatterAndBroadcastMoveTheRightParts) {
  for (int num_ranks = 1; num_ranks <= 5; ++num_ranks) {
    constexpr size_t kCount = 1001;
    const size_t ranks = static_cast<size_t>(num_ranks);
    const std::vector<float> sum = tree_sum<float>(num_ranks, kCount * ranks);
    expect_ok(run_ranks(num_ranks, [&](Communicator& comm, Context& context) -> Status {
      const size_t rank = static_cast<size_t>(comm.rank());
      std::vector<float> own = values_of_rank<float>(comm.rank(), kCount);
      std::vector<float> all(kCount * ranks);
      MR_RETURN_IF_ERROR(comm.all_gather(context, tensor_of(all), tensor_of(own), "gather"));
      for (size_t r = 0; r < ranks; ++r) {
        const std::vector<float> part(all.begin() + r * kCount, all.begin() + (r + 1) * kCount);
        EXPECT_TRUE(same_bits(part, values_of_rank<float>(static_cast<int>(r), kCount)));
      }
      std::vector<float> wide = values_of_rank<float>(comm.rank(), kCount * ranks);
      MR_RETURN_IF_ERROR(comm.reduce_scatter(context, tensor_of(own), tensor_of(wide), "scatter"));
      EXPECT_TRUE(same_bits(own, std::vector<float>(sum.begin() + rank * kCount, sum.begin() + (rank + 1) * kCount)));
      const int root = num_ranks - 1;
      std::vector<float> sent = values_of_rank<float>(comm.rank(), kCount);
      MR_RETURN_IF_ERROR(comm.broadcast(context, tensor_of(sent), root, "broadcast"));
      EXPECT_TRUE(same_bits(sent, values_of_rank<float>(root, kCount)));
      MR_RETURN_IF_ERROR(comm.barrier(context, "barrier"));
      EXPECT_EQ(comm.num_collectives(), 4u);
      return ok();
    }));
  }
}

TEST(ThreadCommTest, ManyCollectivesInARowStayInStepWithMoreRanksThanProcessors) {
  expect_ok(run_ranks(8, [](Communicator& comm, Context& context) -> Status {
    for (int round = 0; round < 300; ++round) {
      std::vector<int64_t> values = {round, comm.rank()};
      MR_RETURN_IF_ERROR(comm.all_reduce(context, tensor_of(values), ReduceOp::kSum, "round"));
      EXPECT_EQ(values[0], 8 * round);
      EXPECT_EQ(values[1], 28);
    }
    return ok();
  }));
}

// Every rank must end, with an error that names both sides; then the group stays poisoned.
void expect_disagreement(const Rank& call, const std::vector<std::string>& words) {
  const std::vector<Status> results = run_ranks(3, [&](Communicator& comm, Context& context) {
    const Status first = call(comm, context);
    EXPECT_EQ(comm.barrier(context, "after").code(), MR_COMM);
    return first;
  });
  for (const Status& status : results) {
    EXPECT_EQ(status.code(), MR_COMM);
    for (const std::string& word : words) {
      EXPECT_NE(status.message().find(word), std::string::npos) << word << " in: " << status.message();
    }
  }
}

TEST(ThreadCommTest, RanksThatDisagreeGetAnErrorNamingRanksAndOperations) {
  const auto reduce = [](size_t count, DType dtype, ReduceOp op, const char* name) {
    return [=](Communicator& comm, Context& context) {
      std::vector<double> memory(count + 1);
      return comm.all_reduce(context, Tensor{memory.data(), dtype, Shape(static_cast<int64_t>(count))}, op, name);
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

TEST(ThreadCommTest, ACallThatIsWrongByItselfReachesThePeers) {
  expect_disagreement(
      [](Communicator& comm, Context& context) {
        std::vector<float> buffer(4), out(comm.rank() == 1 ? 11 : 12);
        return comm.all_gather(context, tensor_of(out), tensor_of(buffer), "gather");
      },
      {"rank 1", "all_gather of 4 f32 in \"gather\"", "expected 12", "got 11"});
  expect_disagreement(
      [](Communicator& comm, Context& context) {
        std::vector<float> buffer(4);
        return comm.broadcast(context, tensor_of(buffer), 3, "root");
      },
      {"a root below 3"});
}

TEST(ThreadCommTest, AbortWakesEveryRankThatWaits) {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<Status> results = run_ranks(4, [](Communicator& comm, Context& context) -> Status {
    if (comm.rank() == 3) {
      std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the others are parked by now
      comm.abort(Status(MR_IO, "disk of rank 3 is full"));
      comm.abort(Status(MR_INTERNAL, "a later reason"));
      return ok();
    }
    std::vector<float> values(100);
    return comm.all_reduce(context, tensor_of(values), ReduceOp::kSum, "gradients");
  });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  for (size_t r = 0; r < 3; ++r) {
    EXPECT_EQ(results[r].code(), MR_IO);
    EXPECT_NE(results[r].message().find("\"gradients\": disk of rank 3 is full"), std::string::npos)
        << results[r].message();
    EXPECT_NE(results[r].message().find("rank " + std::to_string(r)), std::string::npos);
  }
}

// Ranks leave while others arrive: a rank may only return when nobody works on its memory any more.
TEST(ThreadCommTest, AbortInTheMidstOfCollectivesIsSafeAndEndsAllRanks) {
  for (int round = 0; round < 20; ++round) {
    auto communicators = create_thread_group(4);
    std::vector<std::thread> threads;
    for (auto& comm : communicators) {
      threads.emplace_back([&comm] {
        Context context;
        Status status;
        while (status.ok()) {
          std::vector<float> values(5000, 1.0f);
          status = comm->all_reduce(context, tensor_of(values), ReduceOp::kSum, "endless");
          EXPECT_TRUE(!status.ok() || values[4999] == 4.0f);
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::microseconds(500 * round));
    communicators[0]->abort(internal_error("enough"));
    for (std::thread& thread : threads) thread.join();
  }
}

TEST(ThreadCommTest, TheHeartbeatShowsWaitingInsideACollectiveAndComputingAfter) {
  mr_status_row rows[2] = {};
  auto communicators = create_thread_group(2);
  std::thread peer([&] {
    Heartbeat heartbeat(&rows[1]);
    Context context;
    context.heartbeat = &heartbeat;
    EXPECT_TRUE(communicators[1]->barrier(context, "meet").ok());
  });
  const auto state = [&] { return std::atomic_ref<uint32_t>(rows[1].state).load(); };
  while (state() != MR_RANK_WAITING) std::this_thread::yield();
  Heartbeat heartbeat(&rows[0]);
  Context context;
  context.heartbeat = &heartbeat;
  EXPECT_TRUE(communicators[0]->barrier(context, "meet").ok());
  peer.join();
  for (const mr_status_row& row : rows) {
    EXPECT_EQ(row.state, static_cast<uint32_t>(MR_RANK_COMPUTING));
    EXPECT_EQ(row.collective_seq, 1u);
    EXPECT_GE(row.ticks, 2u);
  }
}

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
}  // namespace millrace
