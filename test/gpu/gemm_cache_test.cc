// The file of timed algorithms survives what files meet: other owners, damage, other writers.
#include "cuda/gemm_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "gemm_folder.h"

namespace millrace::testing {
namespace {

using cuda::GemmCache;

class GemmCacheTest : public ::testing::Test {
 protected:
  std::string path() const { return folder_.path() / "deep" / "gemm.txt"; }
  std::string text() const {
    std::ifstream file(path());
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  void write(const std::string& text) const { std::ofstream(path(), std::ios::trunc) << text; }

  GemmFolder folder_;
};

bool found(const GemmCache& cache, const std::string& key, const std::string& expected) {
  std::string value;
  return cache.find(key, &value) && value == expected;
}

TEST_F(GemmCacheTest, WhatIsPutIsReadByTheNext) {
  GemmCache first(path(), "a card, cuBLASLt 1");
  EXPECT_EQ(first.put("one", "1 tab\tinside"), "1 tab\tinside");
  EXPECT_EQ(first.put("two", "2"), "2");
  const GemmCache second(path(), "a card, cuBLASLt 1");
  EXPECT_TRUE(found(second, "one", "1 tab\tinside"));
  EXPECT_TRUE(found(second, "two", "2"));
  EXPECT_FALSE(found(second, "three", ""));
}

TEST_F(GemmCacheTest, WhoIsSecondGetsWhatStands) {
  GemmCache cache(path(), "owner");
  EXPECT_EQ(cache.put("key", "first"), "first");
  EXPECT_EQ(cache.put("key", "second"), "first");
  EXPECT_TRUE(found(GemmCache(path(), "owner"), "key", "first"));
}

TEST_F(GemmCacheTest, AnotherOwnersFileIsMadeAnew) {
  GemmCache(path(), "a card, cuBLASLt 1").put("key", "old");
  GemmCache other(path(), "a card, cuBLASLt 2");
  EXPECT_FALSE(found(other, "key", "old"));
  other.put("key", "new");
  EXPECT_TRUE(found(GemmCache(path(), "a card, cuBLASLt 2"), "key", "new"));
  EXPECT_FALSE(found(GemmCache(path(), "a card, cuBLASLt 1"), "key", "old"));
}

TEST_F(GemmCacheTest, ADamagedLineIsForgottenAndTheRestKept) {
  GemmCache cache(path(), "owner");
  cache.put("one", "1");
  cache.put("two", "2");
  std::string damaged = text();
  damaged[damaged.find("one\t1") + 4] = '7';
  write(damaged);
  GemmCache next(path(), "owner");
  EXPECT_FALSE(found(next, "one", "7"));
  EXPECT_TRUE(found(next, "two", "2"));
  next.put("one", "1");
  EXPECT_TRUE(found(GemmCache(path(), "owner"), "one", "1"));
}

// Cut off at any byte it is read without harm, and what is read is what was written.
TEST_F(GemmCacheTest, AFileCutOffAnywhereIsRead) {
  GemmCache cache(path(), "owner");
  for (int i = 0; i < 5; ++i) cache.put("key " + std::to_string(i), std::string(static_cast<size_t>(3 * i), 'x'));
  const std::string whole = text();
  size_t most = 0;
  for (size_t size = 0; size <= whole.size(); ++size) {
    write(whole.substr(0, size));
    const GemmCache cut(path(), "owner");
    size_t read = 0;
    for (int i = 0; i < 5; ++i) {
      std::string value;
      if (!cut.find("key " + std::to_string(i), &value)) continue;
      EXPECT_EQ(value, std::string(static_cast<size_t>(3 * i), 'x')) << size;
      ++read;
    }
    EXPECT_GE(read, most);
    most = read;
  }
  EXPECT_EQ(most, 5u);
}

TEST_F(GemmCacheTest, AFileOfSomethingElseIsReplaced) {
  std::filesystem::create_directories(std::filesystem::path(path()).parent_path());
  write(std::string("\0\xff\n\n\t\n", 7) + std::string(5000, 'a'));
  GemmCache cache(path(), "owner");
  cache.put("key", "value");
  EXPECT_TRUE(found(GemmCache(path(), "owner"), "key", "value"));
  EXPECT_EQ(text().find("aaaa"), std::string::npos);
}

TEST_F(GemmCacheTest, WithoutAPlaceForTheFileTheProcessRemembers) {
  for (const char* nowhere : {"", "/proc/nowhere/gemm.txt"}) {
    GemmCache cache(nowhere, "owner");
    EXPECT_EQ(cache.put("key", "value"), "value");
    EXPECT_TRUE(found(cache, "key", "value"));
    EXPECT_EQ(cache.put("key", "other"), "value");
  }
}

// Ranks that time the same shape at once agree on one answer, and no other writer's lines are lost.
TEST_F(GemmCacheTest, ThreadsAgree) {
  constexpr int kThreads = 4, kKeys = 16;
  GemmCache cache(path(), "owner");
  GemmCache(path(), "owner").put("of another process", "kept");
  std::vector<std::vector<std::string>> answers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int k = 0; k < kKeys; ++k) {
        answers[static_cast<size_t>(t)].push_back(cache.put(std::to_string(k), std::to_string(t)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  const GemmCache read(path(), "owner");
  EXPECT_TRUE(found(read, "of another process", "kept"));
  for (int k = 0; k < kKeys; ++k) EXPECT_TRUE(found(read, std::to_string(k), answers[0][static_cast<size_t>(k)]));
}

// Each with a cache of its own that knew nothing when it began: what a rank that is a process has.
TEST_F(GemmCacheTest, ProcessesAgree) {
  constexpr int kProcesses = 4, kKeys = 16;
  std::vector<std::unique_ptr<GemmCache>> caches;
  for (int p = 0; p < kProcesses; ++p) caches.push_back(std::make_unique<GemmCache>(path(), "owner"));
  EXPECT_EQ(caches[0]->put("early", "first"), "first");
  EXPECT_EQ(caches[1]->put("early", "second"), "first");
  std::vector<std::vector<std::string>> answers(kProcesses);
  std::vector<std::thread> threads;
  for (int p = 0; p < kProcesses; ++p) {
    threads.emplace_back([&, p] {
      const size_t i = static_cast<size_t>(p);
      for (int k = 0; k < kKeys; ++k) answers[i].push_back(caches[i]->put(std::to_string(k), std::to_string(p)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& answer : answers) EXPECT_EQ(answer, answers[0]);
  const GemmCache read(path(), "owner");
  for (int k = 0; k < kKeys; ++k) EXPECT_TRUE(found(read, std::to_string(k), answers[0][static_cast<size_t>(k)]));
}

TEST(GemmCacheFolderTest, CardAndVersionNameTheFile) {
  const GemmFolder folder;
  EXPECT_EQ(cuda::gemm_cache("NVIDIA H100 80GB HBM3, 132 SMs", 130000).path(),
            folder.path() / "gemm-NVIDIA-H100-80GB-HBM3-132-SMs-cuBLASLt-130000.txt");
  EXPECT_NE(&cuda::gemm_cache("a", 1), &cuda::gemm_cache("a", 2));
  EXPECT_EQ(&cuda::gemm_cache("a", 1), &cuda::gemm_cache("a", 1));
}

}  // namespace
}  // namespace millrace::testing
