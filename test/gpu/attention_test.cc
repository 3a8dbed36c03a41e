// Attention on a GPU: the engines agree with the reference for all shapes, draw exactly its masks, give a head the same
// bits whoever computes it and in whatever order blocks and threads run.
#include "cuda/attention.h"

#include <gtest/gtest.h>

#include <utility>

#include "emulated_gpu.h"
#include "op_cases.h"

namespace millrace::testing {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kBF16, DType::kF16};
constexpr DType kHalves[] = {DType::kBF16, DType::kF16};
constexpr int64_t kHeadSizes[] = {8, 16, 24, 32, 64, 80, 96, 128, 144};

// Largest difference over largest value. f32: sums of a hundred products in any order. 16 bits: an output, what it was
// computed from and the probabilities inside are each rounded once, by half a unit in the last place.
double tolerance_of(DType dtype) {
  if (dtype == DType::kBF16) return 3 * 0x1p-8;
  return dtype == DType::kF16 ? 3 * 0x1p-11 : 4e-6;
}

class AttentionTest : public EmulatedGpu {
 protected:
  void SetUp() override {
    EmulatedGpu::SetUp();
    // What each call would otherwise depend on.
    if (rank_ != nullptr) rank_->context().work_parts = 1;
  }

  static Values expected_of(const OpCase& op, DType dtype) {
    Rank reference;
    Values expected;
    EXPECT_TRUE(run_case(op, *reference_backend(DType::kF64), reference, initial_values(op, dtype), &expected).ok());
    return expected;
  }

  // The worst difference of any argument of `actual` from the reference's `expected`, both after their calls.
  static double worst(const Values& expected, const Values& actual) {
    double worst = 0;
    for (size_t a = 0; a < expected.size(); ++a) worst = std::max(worst, relative_difference(expected[a], actual[a]));
    return worst;
  }
  double worst_of(const OpCase& op, DType dtype) { return worst(expected_of(op, dtype), run(op, dtype).after); }
};

// Q and K are zero, so that a row's probabilities are equal, and V and dout are one where key and column, query and
// column are equal: out[i][j] and dV[j][i] are zero exactly where element (i, j) is dropped or hidden.
OpCase mask_case(const AttentionShape& s, float p) {
  OpCase op = attention_case(s, p);
  const int64_t width = s.heads * s.head_size;
  op.arguments[0].value = [=](int64_t i) {
    const int64_t t = i / (3 * width) % s.time;
    return i / width % 3 == 2 && t == i % s.head_size ? 1.0 : 0.0;
  };
  op.arguments[3].value = [=](int64_t i) { return i / width % s.time == i % s.head_size ? 1.0 : 0.0; };
  return op;
}

// How many elements of out and of dV are zero on one side alone.
int64_t differing_zeros(const AttentionShape& s, const Values& expected, const Values& actual) {
  int64_t count = 0;
  for (size_t i = 0; i < expected[1].size(); ++i) count += (expected[1][i] == 0) != (actual[1][i] == 0);
  const size_t width = static_cast<size_t>(s.heads * s.head_size);
  for (size_t i = 0; i < expected[4].size(); ++i) {
    if (i / width % 3 == 2) count += (expected[4][i] == 0) != (actual[4][i] == 0);
  }
  return count;
}

TEST_F(AttentionTest, AgreesWithTheReferenceForAllShapesAndPrecisions) {
  constexpr int64_t kTimes[] = {1, 3, 16, 63, 64, 65, 100, 130};
  int turn = 0;  // neighbours differ in what the two loops do not name
  for (const int64_t head_size : kHeadSizes) {
    for (const int64_t time : kTimes) {
      const DType dtype = kTypes[(turn + turn / 8) % 3];
      const bool causal = (turn / 3) % 3 != 2;
      const float p = turn % 4 == 0 ? 0.0f : turn % 4 == 2 ? 0.5f : 0.1f;
      const int64_t batch = time < 64 ? 2 : 1;
      const int64_t num_heads = time < 100 ? 2 : 1;
      const OpCase op = attention_case(heads(batch, time, num_heads, head_size, turn % 3, 5, causal), p);
      EXPECT_LE(worst_of(op, dtype), tolerance_of(dtype)) << op.name << ", dtype " << static_cast<int>(dtype);
      ++turn;
    }
  }
}

TEST_F(AttentionTest, AgreesAcrossTheTilesOfALongSequence) {
  for (const DType dtype : kHalves) {
    const bool causal = dtype == DType::kBF16;
    for (const int64_t head_size : {64, 96, 128}) {
      const OpCase op = attention_case(heads(1, 194, 1, head_size, 0, 1, causal), head_size == 96 ? 0.0f : 0.1f);
      EXPECT_LE(worst_of(op, dtype), tolerance_of(dtype)) << op.name;
    }
  }
}

TEST_F(AttentionTest, LargeScoresLeaveNothingInfinite) {
  for (const DType dtype : kTypes) {
    OpCase op = attention_case(heads(1, 70, 1, 64, 0, 1), 0.1f);
    op.arguments[0].value = [](int64_t i) { return 40.0 * random_value(31, i); };
    const Values expected = expected_of(op, dtype);
    const Values actual = run(op, dtype).after;
    // A probability is off by the factor exp(error of its score), and scores of some thousands have 1e-4 of it in f32.
    EXPECT_LE(relative_difference(expected[1], actual[1]), 0.01) << static_cast<int>(dtype);
    EXPECT_LE(relative_difference(expected[2], actual[2]), 1e-6) << static_cast<int>(dtype);
    // Where one key has all the probability, the gradient of scores is what the rounding of `out` left: numbers, no
    // more.
    EXPECT_TRUE(std::isfinite(relative_difference(expected[4], actual[4]))) << static_cast<int>(dtype);
  }
}

TEST_F(AttentionTest, AWrongScaleIsSeen) {
  for (const DType dtype : kTypes) {
    const OpCase op = attention_case(heads(1, 65, 2, 64, 0, 2), 0.1f);
    OpCase scaled = op;
    const auto value = op.arguments[0].value;
    scaled.arguments[0].value = [value](int64_t i) { return i / 128 % 3 == 0 ? 1.06 * value(i) : value(i); };
    Values expected = expected_of(scaled, dtype), actual = run(op, dtype).after;
    expected[0] = actual[0];
    EXPECT_GT(worst(expected, actual), tolerance_of(dtype));
  }
}

TEST_F(AttentionTest, MasksAreTheCpusForEveryAlignmentOfRows) {
  for (const DType dtype : kTypes) {
    for (const int64_t time : {63, 64, 65, 66}) {
      const AttentionShape s = heads(1, time, 2, time <= 64 ? 64 : 80, 1, 4, time % 2 == 0);
      const OpCase op = mask_case(s, time < 65 ? 0.1f : 0.5f);
      EXPECT_EQ(differing_zeros(s, expected_of(op, dtype), run(op, dtype).after), 0) << op.name;
    }
  }
}

// How many elements of out are zero where the generator, asked for the element `shift` further, does not drop them, or
// the other way round.
int64_t differing_drops(const AttentionShape& s, float p, uint64_t shift, const Values& after) {
  const Dropout dropout = dropout_of(p, Site::kAttention, Tensor{});
  const int64_t width = s.heads * s.head_size;
  int64_t count = 0;
  for (int64_t i = 0; i < static_cast<int64_t>(after[1].size()); ++i) {
    const int64_t b = i / width / s.time, query = i / width % s.time;
    const int64_t head = i % width / s.head_size, key = i % s.head_size;
    if (key >= s.time) continue;
    const int64_t sample = static_cast<int64_t>(after[5][static_cast<size_t>(b)]);
    const int64_t element = ((sample * s.heads_total + s.head_begin + head) * s.time + query) * s.time + key;
    const bool drops = philox_word(dropout.key, static_cast<uint64_t>(element) + shift) < dropout.threshold();
    count += (after[1][static_cast<size_t>(i)] == 0) != drops;
  }
  return count;
}

TEST_F(AttentionTest, AMaskShiftedByOneElementIsSeen) {
  for (const DType dtype : kTypes) {
    const AttentionShape s = heads(2, 64, 1, 64, 2, 4, false);
    const Values after = run(mask_case(s, 0.5f), dtype).after;
    EXPECT_EQ(differing_drops(s, 0.5f, 0, after), 0);
    EXPECT_GT(differing_drops(s, 0.5f, 1, after), 2 * 64 * 64 / 3);
  }
}

// Heads [begin, begin + count) of the arguments of a case of `s.heads` heads from 0 on.
OpCase shard_of(const AttentionShape& s, float p, int64_t begin, int64_t count) {
  AttentionShape shard = s;
  shard.head_begin = begin;
  shard.heads = count;
  OpCase op = attention_case(shard, p);
  const OpCase whole = attention_case(s, p);
  const int64_t d = s.head_size;
  const auto from_whole = [=](const Argument& argument, int64_t stream) {
    return [=](int64_t i) {
      const int64_t column = i % (count * d), row = i / (count * d);
      const int64_t at = row * s.heads * d + begin * d + column;
      return argument.value ? argument.value(at) : random_value(static_cast<uint64_t>(stream), at);
    };
  };
  op.arguments[0].value = from_whole(whole.arguments[0], 1);
  op.arguments[3].value = from_whole(whole.arguments[3], 4);
  return op;
}

TEST_F(AttentionTest, AHeadHasTheSameBitsInAShardAndInTheWhole) {
  for (const DType dtype : kTypes) {
    const int64_t head_size = dtype == DType::kF32 ? 8 : dtype == DType::kBF16 ? 96 : 64;
    const AttentionShape s = heads(2, 67, 4, head_size, 0, 4);
    const Values whole = run(attention_case(s, 0.1f), dtype).after;
    for (const auto& [begin, count] : {std::pair<int64_t, int64_t>{0, 1}, {3, 1}, {2, 2}}) {
      const Values part = run(shard_of(s, 0.1f, begin, count), dtype).after;
      int64_t differing = 0;
      const int64_t row = count * head_size;
      for (const size_t a : {1, 4}) {  // out and dqkv, by rows of heads
        for (size_t i = 0; i < part[a].size(); ++i) {
          const int64_t at = static_cast<int64_t>(i);
          differing += part[a][i] != whole[a][static_cast<size_t>((at / row * 4 + begin) * head_size + at % row)];
        }
      }
      for (size_t i = 0; i < part[2].size(); ++i) {
        const int64_t t = static_cast<int64_t>(i) % 67, head = static_cast<int64_t>(i) / 67;
        const int64_t of_whole = head / count * 4 + begin + head % count;
        differing += part[2][i] != whole[2][static_cast<size_t>(of_whole * 67 + t)];
      }
      EXPECT_EQ(differing, 0) << "heads of " << head_size << " from " << begin << ", " << count;
    }
  }
}

TEST_F(AttentionTest, BitsDoNotDependOnTheOrderOfBlocksAndThreads) {
  for (const DType dtype : kTypes) {
    for (const int64_t head_size : {32, 96}) {
      const OpCase op = attention_case(heads(1, head_size == 32 ? 130 : 66, 2, head_size, 1, 4), 0.1f);
      const std::vector<char> once = image_of(op, dtype);
      EXPECT_EQ(image_of(op, dtype), once) << op.name << " a second time";
      emulator::settings().order = emulator::Order::kBackward;
      EXPECT_EQ(image_of(op, dtype), once) << op.name << " backward";
      emulator::settings().order = emulator::Order::kShuffled;
      emulator::settings().seed = 7;
      EXPECT_EQ(image_of(op, dtype), once) << op.name << " shuffled";
      emulator::settings().order = emulator::Order::kForward;
    }
  }
}

// The oracle of the tensor-core kernels on a GPU, where the reference is too slow for the lengths of a model.
TEST_F(AttentionTest, PlainKernelsTakeThe16BitFormatsToo) {
  for (const DType dtype : kHalves) {
    const AttentionShape s = heads(2, 65, 2, 80, 1, 4);
    OpCase op = attention_case(s, 0.1f);
    const OpCase expected = op;
    op.call = [&](const OpTable&, Context& context, const std::vector<Tensor>& t) -> Status {
      const Dropout dropout = dropout_of(0.1f, Site::kAttention, t[5]);
      if (dtype == DType::kBF16) {
        MR_RETURN_IF_ERROR(cuda::plain_attention_forward<BFloat16>(context, s, t[1], t[2], t[0], dropout));
        return cuda::plain_attention_backward<BFloat16>(context, s, t[4], t[3], t[0], t[1], t[2], dropout);
      }
      MR_RETURN_IF_ERROR(cuda::plain_attention_forward<Float16>(context, s, t[1], t[2], t[0], dropout));
      return cuda::plain_attention_backward<Float16>(context, s, t[4], t[3], t[0], t[1], t[2], dropout);
    };
    EXPECT_LE(worst(expected_of(expected, dtype), run(op, dtype).after), tolerance_of(dtype));
  }
}

TEST_F(AttentionTest, TheEngineFollowsFromPrecisionAndHeadSize) {
  using cuda::AttentionEngine;
  using cuda::choose_attention_engine;
  const Dropout none;
  const auto engine = [&](DType dtype, int64_t head_size) {
    return choose_attention_engine(rank_->context(), dtype, heads(1, 64, 1, head_size, 0, 1), none, false);
  };
  EXPECT_EQ(engine(DType::kF32, 64), AttentionEngine::kPlain);
  for (const DType dtype : kHalves) {
    for (const int64_t head_size : {16, 64, 72, 96, 128}) EXPECT_EQ(engine(dtype, head_size), AttentionEngine::kFlash);
    for (const int64_t head_size : {8, 65, 136}) EXPECT_EQ(engine(dtype, head_size), AttentionEngine::kPlain);
  }
}

TEST_F(AttentionTest, AHeadThatFitsNoKernelIsRefused) {
  const OpCase op = attention_case(heads(1, 1, 1, 1032, 0, 1), 0.0f);
  CaseResult result;
  const Status status = run_on_device(op, *cuda_backend(DType::kF32), *rank_, initial_values(op), &result);
  EXPECT_EQ(status.code(), MR_INVALID_ARGUMENT);
  EXPECT_NE(status.message().find("head size of at most 1024"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace millrace::testing
