#include "core/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace millrace {
namespace {

using Range = std::pair<int64_t, int64_t>;

std::set<Range> ranges_of(ThreadPool& pool, int64_t count, int64_t grain) {
  std::set<Range> ranges;
  std::mutex mutex;
  pool.parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    std::lock_guard<std::mutex> lock(mutex);
    EXPECT_TRUE(ranges.insert({begin, end}).second);
  });
  return ranges;
}

TEST(ThreadPoolTest, RangesCoverTheCountOnceAndAreAtLeastAGrainLong) {
  for (const int num_threads : {1, 2, 3, 7}) {
    ThreadPool pool(num_threads);
    EXPECT_EQ(pool.num_threads(), num_threads);
    for (const int64_t count : {0, 1, 2, 63, 64, 65, 1000}) {
      for (const int64_t grain : {1, 7, 64, 5000}) {
        int64_t next = 0;
        for (const auto& [begin, end] : ranges_of(pool, count, grain)) {
          EXPECT_EQ(begin, next);
          EXPECT_LT(begin, end);
          EXPECT_TRUE(end == count || end - begin >= grain);
          next = end;
        }
        EXPECT_EQ(next, count);
      }
    }
  }
}

TEST(ThreadPoolTest, RangesAreTheSameEachTime) {
  ThreadPool pool(3);
  const std::set<Range> first = ranges_of(pool, 1234, 10);
  for (int round = 0; round < 20; ++round) EXPECT_EQ(ranges_of(pool, 1234, 10), first);
}

TEST(ThreadPoolTest, WhatABodyWroteIsSeenByTheCallerAndByTheNextBody) {
  ThreadPool pool(4);
  std::vector<int64_t> values(1000, 0);
  for (int round = 0; round < 500; ++round) {
    pool.parallel_for(1000, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) values[static_cast<size_t>(i)] += 1;
    });
  }
  for (const int64_t value : values) EXPECT_EQ(value, 500);
}

TEST(ThreadPoolTest, ParkedThreadsWakeForTheNextJob) {
  ThreadPool pool(2);
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // long past the spinning
    std::atomic<int> meeting{0};
    // Each of the two ranges waits for the other: only two threads can end this.
    pool.parallel_for(2, 1, [&](int64_t, int64_t) {
      meeting.fetch_add(1);
      while (meeting.load() < 2) std::this_thread::yield();
    });
  }
}

TEST(ThreadPoolTest, MoreThreadsThanProcessorsStillEnd) {
  ThreadPool pool(32);
  std::atomic<int64_t> sum{0};
  for (int round = 0; round < 200; ++round) {
    pool.parallel_for(64, 1, [&](int64_t begin, int64_t end) { sum.fetch_add(end - begin); });
  }
  EXPECT_EQ(sum.load(), 200 * 64);
}

TEST(ThreadPoolTest, AnIdlePoolEndsAtOnce) {
  for (int round = 0; round < 50; ++round) ThreadPool pool(3);
}

}  // namespace
}  // namespace millrace
