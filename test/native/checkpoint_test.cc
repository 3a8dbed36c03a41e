// Checkpoint files: a resumed run is the run that did not stop, bit for bit; files do not know how many ranks wrote
// them; what is damaged or of another model is refused before anything changes. How they are written: snapshot_test.cc.
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "checkpoint_case.h"
#include "train/crc32.h"
#include "train/safetensors.h"

namespace millrace::testing {
namespace {

const OpTable& reference() { return *reference_backend(DType::kF32); }

using Checkpoint = CheckpointCase;

TrainerConfig config_of(int tensor_parallel, int data_parallel = 1) {
  return checkpoint_config(tensor_parallel, data_parallel);
}

TEST_F(Checkpoint, ResumingGivesTheBitsOfNotStopping) {
  for (const OpTable* ops : fp32_backends()) {
    RankGroup straight(config_of(2), *ops);
    std::vector<double> losses;
    for (int step = 1; step <= 10; ++step) losses.push_back(straight.step(step).loss);

    RankGroup first(config_of(2), *ops);
    for (int step = 1; step <= 5; ++step) first.step(step);
    ASSERT_TRUE(save(first, path("a")).ok());
    RankGroup second(config_of(2), *ops);
    ASSERT_TRUE(load(second, path("a")).ok());
    EXPECT_EQ(second.rank(1).progress().steps, 5);
    for (int step = 6; step <= 10; ++step) {
      const StepResult result = second.step(step);
      EXPECT_EQ(result.step, step);
      EXPECT_EQ(result.loss, losses[static_cast<size_t>(step - 1)]);
    }
    EXPECT_EQ(state_of(straight), state_of(second));
  }
}

// fp16 with a scale that has just moved: masters, scale, the run of clean steps and the hysteresis decide what follows.
TrainerConfig half_config(DType dtype) {
  TrainerConfig config = config_of(2);
  config.dtype = dtype;
  if (dtype == DType::kF16) config.loss_scale = LossScaleSettings{true, 0x1p10, 1, 3, 2};
  return config;
}

TEST_F(Checkpoint, ResumingInMixedPrecisionGivesTheBitsOfNotStopping) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* ops : {reference_backend(dtype), cpu_backend(dtype)}) {
      if (ops == nullptr) continue;
      RankGroup straight(half_config(dtype), *ops);
      for (int step = 1; step <= 5; ++step) straight.step(step);
      ASSERT_TRUE(save(straight, path("a")).ok());
      RankGroup resumed(half_config(dtype), *ops);
      ASSERT_TRUE(load(resumed, path("a")).ok());
      for (int step = 6; step <= 10; ++step) {
        const StepResult wanted = straight.step(step);
        const StepResult got = resumed.step(step);
        EXPECT_EQ(got.loss, wanted.loss) << "step " << step;
        EXPECT_EQ(got.loss_scale, wanted.loss_scale) << "step " << step;
      }
      EXPECT_EQ(state_of(resumed), state_of(straight));
      EXPECT_EQ(resumed.gather(&Parameter::value), straight.gather(&Parameter::value));
    }
  }
}

TEST_F(Checkpoint, HoldsWhatTheOptimizerUpdatesAndNotItsRounding) {
  RankGroup half(half_config(DType::kBF16), *reference_backend(DType::kBF16));
  for (int step = 1; step <= 3; ++step) half.step(step);
  ASSERT_TRUE(save(half, path("a")).ok());
  EXPECT_NE(half.gather(&Parameter::master), half.gather(&Parameter::value)) << "rounding is seen";
  RankGroup whole(config_of(1), reference());
  ASSERT_TRUE(load(whole, path("a")).ok());
  EXPECT_EQ(state_of(whole), state_of(half));
}

TEST_F(Checkpoint, ALossScaleIsForItsPrecision) {
  RankGroup half(half_config(DType::kF16), *reference_backend(DType::kF16));
  for (int step = 1; step <= 4; ++step) half.step(step);
  const Progress moved = half.rank(0).progress();
  ASSERT_EQ(moved.loss_scale, 0x1p11);
  ASSERT_EQ(moved.good_steps, 1);
  ASSERT_TRUE(save(half, path("a")).ok());
  RankGroup again(half_config(DType::kF16), *reference_backend(DType::kF16));
  ASSERT_TRUE(load(again, path("a")).ok());
  EXPECT_EQ(again.rank(1).progress().loss_scale, moved.loss_scale);
  EXPECT_EQ(again.rank(1).progress().good_steps, moved.good_steps);
  EXPECT_EQ(again.rank(1).progress().hysteresis, moved.hysteresis);

  RankGroup whole(config_of(1), reference());
  ASSERT_TRUE(load(whole, path("a")).ok());
  EXPECT_EQ(whole.rank(0).progress().loss_scale, 1);
  ASSERT_TRUE(save(whole, path("b")).ok());
  ASSERT_TRUE(load(half, path("b")).ok());
  EXPECT_EQ(half.rank(0).progress().loss_scale, 0x1p10) << "begins as a run does";
}

TEST_F(Checkpoint, ALostMomentIsSeen) {
  RankGroup straight(config_of(1), reference());
  RankGroup resumed(config_of(1), reference());
  for (int step = 1; step <= 5; ++step) {
    straight.step(step);
    resumed.step(step);
  }
  resumed.must([](Rank& rank) {
    return rank.env().ops->fill(*rank.env().context, rank.model().parameters().all()[0].first_moment, 0.0);
  });
  straight.step(6);
  resumed.step(6);
  EXPECT_NE(straight.gather(&Parameter::value), resumed.gather(&Parameter::value));
}

TEST_F(Checkpoint, IsTheSameFileForEveryNumberOfRanks) {
  RankGroup two(config_of(2), reference());
  for (int step = 1; step <= 3; ++step) two.step(step);
  ASSERT_TRUE(save(two, path("a")).ok());

  RankGroup one(config_of(1), reference());
  ASSERT_TRUE(load(one, path("a")).ok());
  EXPECT_EQ(state_of(one), state_of(two));
  ASSERT_TRUE(save(one, path("b")).ok());

  RankGroup four(config_of(2, 2), reference());
  ASSERT_TRUE(load(four, path("b")).ok());
  ASSERT_TRUE(save(four, path("c")).ok());
  const std::string original = bytes_of(path("a"));
  EXPECT_FALSE(original.empty());
  EXPECT_TRUE(bytes_of(path("b")) == original);
  EXPECT_TRUE(bytes_of(path("c")) == original);
}

// Every rank holds one head, and the last ones nothing but padding of the vocabulary.
TEST_F(Checkpoint, GoesFromOneRankToEightAndBackWithoutAChangedBit) {
  TrainerConfig one = config_of(1);
  one.model.num_heads = 8;
  one.model.padded_vocab_size = 1024;
  TrainerConfig eight = one;
  eight.tensor_parallel = 8;

  RankGroup straight(one, reference());
  for (int step = 1; step <= 4; ++step) straight.step(step);
  ASSERT_TRUE(save(straight, path("a")).ok());
  RankGroup wide(eight, reference());
  ASSERT_TRUE(load(wide, path("a")).ok());
  EXPECT_EQ(state_of(wide), state_of(straight));
  ASSERT_TRUE(save(wide, path("b")).ok());
  EXPECT_TRUE(bytes_of(path("b")) == bytes_of(path("a")));

  RankGroup back(one, reference());
  ASSERT_TRUE(load(back, path("b")).ok());
  for (int step = 5; step <= 8; ++step) EXPECT_EQ(back.step(step).loss, straight.step(step).loss) << step;
  EXPECT_EQ(state_of(back), state_of(straight));

  wide.step(5);
  EXPECT_NE(state_of(wide), state_of(straight)) << "another step is seen";
}

TEST_F(Checkpoint, HoldsNoPadding) {
  RankGroup group(config_of(1), reference());
  ASSERT_TRUE(save(group, path("a")).ok());
  TrainerConfig wider = config_of(2);
  wider.model.padded_vocab_size = 512;
  RankGroup other(wider, reference());
  ASSERT_TRUE(load(other, path("a")).ok());
  EXPECT_EQ(state_of(group), state_of(other));
}

TEST_F(Checkpoint, EveryDamagedByteIsRefusedAndChangesNothing) {
  RankGroup group(config_of(2), reference());
  group.step(1);
  ASSERT_TRUE(save(group, path("a")).ok());
  const std::string bytes = bytes_of(path("a"));
  group.step(2);
  const std::vector<TensorMap> before = state_of(group);

  // Bytes of the length, the metadata, the entries and of each third of the data.
  const size_t size = bytes.size();
  for (const size_t at :
       {size_t{0}, size_t{3}, size_t{9}, size_t{40}, size_t{900}, size_t{5000}, size / 4, size / 2, size - 1}) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x08);
    write_bytes(path("b"), damaged);
    const Status status = load(group, path("b"));
    EXPECT_FALSE(status.ok()) << "byte " << at;
    EXPECT_NE(status.message().find(path("b")), std::string::npos) << status.message();
  }
  for (const size_t length : {size_t{0}, size_t{7}, size_t{100}, size / 2, size - 1}) {
    write_bytes(path("b"), bytes.substr(0, length));
    EXPECT_EQ(load(group, path("b")).code(), MR_CORRUPT) << "cut at " << length;
  }
  EXPECT_EQ(load(group, path("missing")).code(), MR_IO);
  EXPECT_EQ(state_of(group), before);
  group.step(3);
  EXPECT_EQ(group.rank(0).progress().steps, 3) << "a refusal leaves the trainer usable";
}

TEST_F(Checkpoint, OfAnotherModelIsRefusedNamingTheTensor) {
  RankGroup group(config_of(1), reference());
  ASSERT_TRUE(save(group, path("a")).ok());
  const auto message = [&](TrainerConfig config) {
    RankGroup other(config, reference());
    const Status status = load(other, path("a"));
    EXPECT_EQ(status.code(), MR_INVALID_ARGUMENT);
    return status.message();
  };
  TrainerConfig config = config_of(1);
  config.model.hidden_size = 64;
  EXPECT_NE(message(config).find("expected F32 [100, 64] for parameter.wte.weight, got F32 [100, 32]"),
            std::string::npos);
  config = config_of(1);
  config.model.num_layers = 3;
  EXPECT_NE(message(config).find("parameter.h.2.ln_1.weight, got no such tensor"), std::string::npos);
  config.model.num_layers = 1;
  EXPECT_NE(message(config).find("expected no tensor parameter.h.1.ln_1.weight"), std::string::npos);
  config = config_of(1);
  config.model.num_heads = 2;
  EXPECT_NE(message(config).find("expected 2 for model.num_heads, got 4"), std::string::npos);
}

TEST(Crc32, HasTheKnownCheckValue) {
  EXPECT_EQ(crc32("123456789", 9), 0xCBF43926u);
  EXPECT_EQ(crc32("", 0), 0u);
  EXPECT_EQ(crc32("The quick brown fox jumps over the lazy dog", 43), 0x414FA339u);
}

TEST(Crc32, OfPiecesIsThatOfTheWhole) {
  const std::string text = "The quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const uint32_t first = crc32(text.data(), cut);
    EXPECT_EQ(crc32(text.data() + cut, text.size() - cut, first), 0x414FA339u) << cut;
  }
}

TEST(Safetensors, HeadersSurviveWritingAndReading) {
  SafetensorsHeader header;
  header.metadata = {{"step", "3"}, {"quote", "a\"b\\c"}};
  header.entries = {{"x", DType::kF32, {2, 3}, 0, 24}, {"y", DType::kI64, {}, 24, 32}};
  const std::string bytes = format_safetensors_header(header);
  EXPECT_EQ(bytes.size() % 64, 0u);
  SafetensorsHeader read;
  ASSERT_TRUE(parse_safetensors_header(bytes.data(), bytes.size() + 32, &read).ok());
  EXPECT_EQ(read.metadata, header.metadata);
  EXPECT_EQ(read.data_offset, bytes.size());
  EXPECT_EQ(read.find("x")->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(read.find("y")->end, 32u);
  EXPECT_EQ(parse_safetensors_header(bytes.data(), bytes.size() + 31, &read).code(), MR_CORRUPT);
}

TEST(Safetensors, EveryCutHeaderIsRefused) {
  SafetensorsHeader header;
  header.metadata = {{"step", "3"}};
  header.entries = {{"x", DType::kF32, {2}, 0, 8}};
  const std::string bytes = format_safetensors_header(header);
  const size_t end = bytes.find_last_not_of(' ') + 1;
  for (size_t length = 0; length < end - 8; ++length) {
    std::string cut = bytes.substr(0, 8 + length);
    const uint64_t stated = length;
    std::memcpy(cut.data(), &stated, 8);
    SafetensorsHeader read;
    EXPECT_EQ(parse_safetensors_header(cut.data(), cut.size() + 8, &read).code(), MR_CORRUPT) << length;
  }
}

}  // namespace
}  // namespace millrace::testing
