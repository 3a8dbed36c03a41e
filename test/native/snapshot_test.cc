// Snapshots: training goes on while they are written, and nothing that happens to the writer, a kill at any byte or a
// disk that fills up at any byte, harms the checkpoint that was there.
#include "train/snapshot.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "checkpoint_case.h"
#include "train/file_writer.h"
#include "train/safetensors.h"

namespace millrace::testing {
namespace {

const OpTable& reference() { return *reference_backend(DType::kF32); }

using SnapshotTest = CheckpointCase;

TEST_F(SnapshotTest, HoldsTheStepItWasTakenAtWhateverFollows) {
  for (const OpTable* ops : fp32_backends()) {
    RankGroup group(checkpoint_config(2), *ops);
    for (int step = 1; step <= 3; ++step) group.step(step);
    ASSERT_TRUE(save(group, path("at 3")).ok());
    const std::unique_ptr<Snapshot> snapshot = snapshot_of(group);
    for (int step = 4; step <= 6; ++step) group.step(step);
    ASSERT_TRUE(snapshot->write(path("written at 6")).ok());
    EXPECT_TRUE(bytes_of(path("written at 6")) == bytes_of(path("at 3")));

    ASSERT_TRUE(save(group, path("at 6")).ok());
    EXPECT_FALSE(bytes_of(path("at 6")) == bytes_of(path("at 3"))) << "the steps change the file";
  }
}

TEST_F(SnapshotTest, IsWrittenWhileTheRanksStepOn) {
  RankGroup straight(checkpoint_config(2, 2), reference());
  RankGroup saving(checkpoint_config(2, 2), reference());
  const std::unique_ptr<Snapshot> snapshot = empty_snapshot(saving);
  Status written;
  for (int step = 1; step <= 6; ++step) {
    saving.must([&](Rank& rank) { return rank.take_snapshot(*snapshot); });
    std::thread writer([&] { written = snapshot->write(path("a")); });
    EXPECT_EQ(saving.step(step).loss, straight.step(step).loss);
    writer.join();
    ASSERT_TRUE(written.ok()) << written.message();
  }
  EXPECT_EQ(state_of(saving), state_of(straight));
  RankGroup resumed(checkpoint_config(1), reference());
  ASSERT_TRUE(load(resumed, path("a")).ok());
  EXPECT_EQ(resumed.rank(0).progress().steps, 5);
}

TEST_F(SnapshotTest, OutlivesItsRanks) {
  std::unique_ptr<Snapshot> snapshot;
  std::vector<TensorMap> state;
  {
    RankGroup group(checkpoint_config(2), reference());
    group.step(1);
    snapshot = snapshot_of(group);
    state = state_of(group);
  }
  ASSERT_TRUE(snapshot->write(path("a")).ok());
  RankGroup loaded(checkpoint_config(1), reference());
  ASSERT_TRUE(load(loaded, path("a")).ok());
  EXPECT_EQ(state_of(loaded), state);
}

// A checkpoint of step 1 on disk under "a", and a snapshot of step 2 that is to replace it.
class Interrupted : public CheckpointCase {
 protected:
  void SetUp() override {
    CheckpointCase::SetUp();
    RankGroup group(checkpoint_config(2), reference());
    group.step(1);
    ASSERT_TRUE(save(group, path("a")).ok());
    group.step(2);
    snapshot_ = snapshot_of(group);
    ASSERT_TRUE(snapshot_->write(path("next")).ok());
    before_ = bytes_of(path("a"));
    next_ = bytes_of(path("next"));
    ASSERT_EQ(before_.size(), next_.size());
    ASSERT_FALSE(before_ == next_);
  }

  // The first and last bytes, each border of the file's parts or a byte beside it, and some in between.
  std::vector<size_t> places() const {
    SafetensorsHeader header;
    EXPECT_TRUE(parse_safetensors_header(next_.data(), next_.size(), &header).ok());
    std::vector<size_t> all{0, 1, 7, 8, 9, header.data_offset / 2, next_.size() - 1};
    for (size_t i = 0; i < header.entries.size(); ++i) {
      all.push_back(header.data_offset + header.entries[i].begin + i % 3 - 1);
    }
    for (size_t at = 4099; at < next_.size(); at += 32771) all.push_back(at);
    return all;
  }

  // Writes in a process of its own that may make no file longer than `limit`: past it the system sends SIGXFSZ, which
  // kills it in the midst of the write, or, when it is ignored, fails the write as a full disk does.
  int write_limited(size_t limit, bool killed) {
    const pid_t writer = ::fork();
    if (writer == 0) {
      const rlimit bound{limit, limit};
      const rlimit no_core{0, 0};
      ::setrlimit(RLIMIT_CORE, &no_core);
      ::setrlimit(RLIMIT_FSIZE, &bound);
      ::signal(SIGXFSZ, killed ? SIG_DFL : SIG_IGN);
      ::_exit(snapshot_->write(path("a")).code());
    }
    int status = 0;
    EXPECT_EQ(::waitpid(writer, &status, 0), writer);
    return status;
  }

  bool partial_exists() const { return ::access(path("a.partial").c_str(), F_OK) == 0; }

  std::unique_ptr<Snapshot> snapshot_;
  std::string before_, next_;
};

TEST_F(Interrupted, AWriterKilledAtAnyByteLeavesTheCheckpointBefore) {
  for (const size_t place : places()) {
    const int status = write_limited(place, true);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ) << "at byte " << place;
    ASSERT_TRUE(bytes_of(path("a")) == before_) << "at byte " << place;
    ASSERT_EQ(bytes_of(path("a.partial")).size(), place) << "what it left is cut at that very byte";
  }
  // The next writer is not disturbed by what they left.
  EXPECT_EQ(write_limited(next_.size(), true), 0);
  EXPECT_TRUE(bytes_of(path("a")) == next_);
  EXPECT_FALSE(partial_exists());
}

TEST_F(Interrupted, ADiskThatIsFullAtAnyByteIsAnErrorAndLeavesNothing) {
  for (const size_t place : places()) {
    const int status = write_limited(place, false);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == MR_IO) << "at byte " << place;
    ASSERT_TRUE(bytes_of(path("a")) == before_) << "at byte " << place;
    ASSERT_FALSE(partial_exists());
  }
}

TEST_F(Interrupted, WhatAKilledWriterLeftIsNoCheckpointEvenUnderItsName) {
  for (const size_t place : places()) {
    write_limited(place, true);
    ASSERT_EQ(::rename(path("a.partial").c_str(), path("cut").c_str()), 0);
    RankGroup group(checkpoint_config(1), reference());
    ASSERT_EQ(load(group, path("cut")).code(), MR_CORRUPT) << "at byte " << place;
  }
}

TEST_F(Interrupted, ATakenNameIsAnErrorThatNamesIt) {
  ASSERT_EQ(::mkdir(path("a.partial").c_str(), 0755), 0);
  const Status status = snapshot_->write(path("a"));
  EXPECT_EQ(status.code(), MR_IO);
  EXPECT_NE(status.message().find(path("a.partial")), std::string::npos) << status.message();
  EXPECT_TRUE(bytes_of(path("a")) == before_);
  EXPECT_EQ(snapshot_->write(path("missing/a")).code(), MR_IO);
  ASSERT_EQ(::rmdir(path("a.partial").c_str()), 0);
  EXPECT_TRUE(snapshot_->write(path("a")).ok());
  EXPECT_TRUE(bytes_of(path("a")) == next_);
}

using FileWriterTest = CheckpointCase;

TEST_F(FileWriterTest, PiecesOfAnySizeMakeOneFile) {
  std::string expected;
  std::unique_ptr<FileWriter> file;
  ASSERT_TRUE(FileWriter::create(path("a"), &file).ok());
  for (const size_t size : {size_t{1}, size_t{700000}, size_t{700000}, size_t{0}, size_t{3} << 20, size_t{5}}) {
    const std::string piece(size, static_cast<char>('a' + expected.size() % 26));
    expected += piece;
    ASSERT_TRUE(file->append(piece.data(), piece.size()).ok());
  }
  for (const size_t at : {size_t{0}, size_t{699999}, expected.size() - 2}) {
    expected.replace(at, 2, "XY");
    ASSERT_TRUE(file->overwrite(at, "XY", 2).ok());
  }
  EXPECT_EQ(file->overwrite(expected.size() - 1, "XY", 2).code(), MR_INTERNAL) << "past the end";
  EXPECT_NE(::access(path("a").c_str(), F_OK), 0) << "seen before it is whole";
  ASSERT_TRUE(file->commit().ok());
  EXPECT_TRUE(bytes_of(path("a")) == expected);
}

TEST_F(FileWriterTest, WithoutACommitNothingRemains) {
  write_bytes(path("a"), "before");
  {
    std::unique_ptr<FileWriter> file;
    ASSERT_TRUE(FileWriter::create(path("a"), &file).ok());
    ASSERT_TRUE(file->append("after", 5).ok());
  }
  EXPECT_EQ(bytes_of(path("a")), "before");
  EXPECT_NE(::access(path("a.partial").c_str(), F_OK), 0);
}

}  // namespace
}  // namespace millrace::testing
