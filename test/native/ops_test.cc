// Every case of op_cases.h: the fast backend agrees with the reference in f32 and f64, and the reference's gradients
// with finite differences.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include "core/backend.h"
#include "op_cases.h"

namespace millrace::testing {
namespace {

// f32 rounds at 6e-8; sums of n terms lose about sqrt(n) of it, here at most some 3e-6, and cancellation a little more.
constexpr double kF32Tolerance = 1e-5;
// Central differences of step h err by h^2 times a third derivative, and by 1e-16 / h of rounding: both about 1e-10.
constexpr double kStep = 1e-5;
constexpr double kGradientTolerance = 1e-6;

struct Difference {
  double value = 0.0;
  std::string argument;
};

// The worst argument of a case on `table` against `oracle`.
Difference difference_from(const OpTable& oracle, const OpCase& op, const OpTable& table, int num_threads) {
  Rank rank(num_threads);
  const Values before = initial_values(op, table.dtype);
  Values expected, actual;
  EXPECT_TRUE(run_case(op, oracle, rank, before, &expected).ok()) << op.name;
  const Status status = run_case(op, table, rank, before, &actual);
  EXPECT_TRUE(status.ok()) << op.name << ": " << status.message();
  EXPECT_EQ(rank.scratch->used_bytes(), 0u) << op.name << " leaves its workspace as it found it";
  Difference worst;
  for (size_t a = 0; a < op.arguments.size(); ++a) {
    const double difference = relative_difference(expected[a], actual[a]);
    if (difference > worst.value) worst = {difference, op.arguments[a].name};
    if (op.arguments[a].role == Role::kIn) {
      EXPECT_EQ(relative_difference(before[a], actual[a]), 0.0) << op.name << " changes " << op.arguments[a].name;
    }
  }
  return worst;
}

Difference difference_from_f64(const OpCase& op, const OpTable& table, int num_threads) {
  return difference_from(*reference_backend(DType::kF64), op, table, num_threads);
}

TEST(OpsTest, TheReferenceInF32AgreesWithF64) {
  for (const OpCase& op : all_cases()) {
    const Difference worst = difference_from_f64(op, *reference_backend(DType::kF32), 1);
    EXPECT_LE(worst.value, kF32Tolerance) << op.name << ": " << worst.argument;
  }
}

// The CPU backend is built where OpenBLAS is found; without root it may be missing, and training then uses the
// reference (README). Where `.ci/run` runs it is installed, so its absence is a failure there.
#define MR_SKIP_WITHOUT(cpu)                                                                               \
  if ((cpu) == nullptr) {                                                                                  \
    ASSERT_EQ(std::getenv("CI"), nullptr) << "expected a BLAS library in continuous integration";          \
    GTEST_SKIP() << "this build found no BLAS library, so it has no CPU backend: install libopenblas-dev"; \
  }

TEST(OpsTest, TheCpuBackendAgreesWithTheReferenceForAnyNumberOfThreads) {
  const OpTable* cpu = cpu_backend(DType::kF32);
  MR_SKIP_WITHOUT(cpu);
  for (const int num_threads : {1, 2, 3}) {
    for (const OpCase& op : all_cases()) {
      const Difference worst = difference_from_f64(op, *cpu, num_threads);
      EXPECT_LE(worst.value, kF32Tolerance) << op.name << ": " << worst.argument << ", threads " << num_threads;
    }
  }
}

// Half the distance of two neighbours above 1: the error of one rounding.
double rounding_of(DType dtype) { return dtype == DType::kBF16 ? 0x1p-8 : 0x1p-11; }
// What an op writes it rounds once; a case runs up to five ops, each on what the one before rounded, and few err fully.
constexpr double kRoundings = 3;

TEST(OpsTest, The16BitFormatsAreWithinTheirRoundingOfF64) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    for (const OpTable* table : {reference_backend(dtype), cpu_backend(dtype)}) {
      if (table == nullptr) continue;
      for (const OpCase& op : all_cases()) {
        const Difference worst = difference_from_f64(op, *table, 2);
        EXPECT_LE(worst.value, kRoundings * rounding_of(dtype))
            << table->name << " " << op.name << ": " << worst.argument;
      }
    }
  }
}

TEST(OpsTest, TheCpuBackendAgreesWithTheReferenceInThe16BitFormatsForAnyNumberOfThreads) {
  for (const DType dtype : {DType::kBF16, DType::kF16}) {
    const OpTable* cpu = cpu_backend(dtype);
    MR_SKIP_WITHOUT(cpu);
    for (const int num_threads : {1, 3}) {
      for (const OpCase& op : all_cases()) {
        const Difference worst = difference_from(*reference_backend(dtype), op, *cpu, num_threads);
        EXPECT_LE(worst.value, kRoundings * rounding_of(dtype)) << op.name << ": " << worst.argument;
      }
    }
  }
}

TEST(OpsTest, OneWrongElementIsSeen) {
  OpCase op = linear_case(17, 33, 65, true);
  const auto call = op.call;
  op.call = [call](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(call(table, context, t));
    if (table.dtype == DType::kF32) t[7].as<float>()[1000] *= 1.01f;
    return ok();
  };
  EXPECT_GT(difference_from_f64(op, *reference_backend(DType::kF32), 1).value, kF32Tolerance);
}

TEST(OpsTest, AnElementThatIsNotWrittenIsSeen) {
  OpCase op = layernorm_case(33, 17);
  op.arguments.push_back({"forgotten", Role::kOut, Shape(1), {}});
  EXPECT_TRUE(std::isinf(difference_from_f64(op, *reference_backend(DType::kF32), 1).value));
}

// The largest error of a gradient of the case against central differences, over the largest gradient.
double gradient_error(const OpCase& op) {
  constexpr size_t kMostElements = 8;  // of each argument, spread over it
  const OpTable& table = *reference_backend(DType::kF64);
  Rank rank(1);
  const Values before = initial_values(op);
  Values after;
  EXPECT_TRUE(run_case(op, table, rank, before, &after).ok()) << op.name;
  double worst = 0.0;
  for (const Gradient& gradient : op.gradients) {
    const size_t input = static_cast<size_t>(gradient.input);
    const size_t output = static_cast<size_t>(gradient.gradient);
    std::vector<double> expected, actual;
    const size_t count = before[input].size();
    for (size_t k = 0; k < std::min(count, kMostElements); ++k) {
      const size_t i = k * std::max<size_t>(1, count / kMostElements);
      double sides[2];
      for (const int side : {0, 1}) {
        Values moved = before;
        moved[input][i] += side == 0 ? -kStep : kStep;
        Values result;
        EXPECT_TRUE(run_case(op, table, rank, moved, &result).ok()) << op.name;
        sides[side] = op.loss(moved, result);
      }
      expected.push_back((sides[1] - sides[0]) / (2.0 * kStep));
      actual.push_back(after[output][i] - (gradient.accumulated ? before[output][i] : 0.0));
    }
    // A gradient of zeros (an unused bias) has no largest value: 1 stands in.
    expected.push_back(1.0);
    actual.push_back(1.0);
    worst = std::max(worst, relative_difference(expected, actual));
  }
  return worst;
}

TEST(OpsTest, GradientsAgreeWithFiniteDifferences) {
  for (const OpCase& op : all_cases()) {
    EXPECT_LE(gradient_error(op), kGradientTolerance) << op.name;
  }
}

TEST(OpsTest, AGradientThroughTheWrongMaskIsSeen) {
  OpCase op = attention_case(heads(2, 5, 2, 3, 0, 2), 0.2f);
  op.call = [](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    const AttentionShape s = heads(2, 5, 2, 3, 0, 2);
    Dropout dropout = dropout_of(0.2f, Site::kAttention, t[5]);
    MR_RETURN_IF_ERROR(table.attention_forward(context, s, t[1], t[2], t[0], dropout));
    const int64_t local_numbers[] = {0, 1};
    dropout.sample = local_numbers;
    return table.attention_backward(context, s, t[4], t[3], t[0], t[1], t[2], dropout);
  };
  EXPECT_GT(gradient_error(op), 1e-2);
}

// A measuring arena runs the same code without data.
TEST(OpsTest, PlanningNeedsNoDataAndFindsTheWorkspaceThatRunningUses) {
  for (const OpTable* table :
       {reference_backend(DType::kF32), reference_backend(DType::kF64), reference_backend(DType::kBF16),
        cpu_backend(DType::kF32), cpu_backend(DType::kBF16), cpu_backend(DType::kF16)}) {
    if (table == nullptr) continue;
    for (const OpCase& op : all_cases()) {
      Rank rank;
      std::vector<Tensor> planned;
      for (const Argument& argument : op.arguments) {
        planned.push_back(Tensor{nullptr, argument.dtype(table->dtype), argument.shape});
      }
      Arena measuring;
      Context context = rank.context;
      context.scratch = &measuring;
      const Status status = op.call(*table, context, planned);
      EXPECT_TRUE(status.ok()) << table->name << " " << op.name << ": " << status.message();
      EXPECT_EQ(measuring.used_bytes(), 0u) << op.name;
      Values after;
      ASSERT_TRUE(run_case(op, *table, rank, initial_values(op), &after).ok());
      EXPECT_EQ(measuring.peak_bytes(), rank.scratch->peak_bytes()) << table->name << " " << op.name;
    }
  }
}

TEST(OpsTest, AWrongShapeIsAnErrorThatNamesIt) {
  for (const OpTable* table : {reference_backend(DType::kF32), cpu_backend(DType::kF32)}) {
    if (table == nullptr) continue;
    Rank rank;
    const Tensor x = rank.alloc(DType::kF32, Shape(4, 8));
    const Tensor w = rank.alloc(DType::kF32, Shape(6, 8));
    const Tensor y = rank.alloc(DType::kF32, Shape(4, 5));
    const Status status = table->linear_forward(rank.context, y, x, w, Tensor{});
    EXPECT_EQ(status.code(), MR_INTERNAL);
    EXPECT_NE(status.message().find("is_matrix(y"), std::string::npos) << status.message();
  }
}

TEST(OpsTest, SumSquaresHasTheSameBitsForAnyPool) {
  for (const OpTable* table : {reference_backend(DType::kF32), cpu_backend(DType::kF32)}) {
    if (table == nullptr) continue;
    const OpCase op = sum_squares_case(300007);
    std::vector<double> sums;
    for (const int num_threads : {1, 2, 3}) {
      Rank rank(num_threads);
      Values after;
      ASSERT_TRUE(run_case(op, *table, rank, initial_values(op), &after).ok());
      sums.push_back(after[0][0]);
    }
    EXPECT_EQ(sums[0], sums[1]);
    EXPECT_EQ(sums[0], sums[2]);
  }
}

// What the three reductions of the paper add up to: the vocabulary in two parts is the vocabulary.
TEST(OpsTest, CrossEntropyOverTwoRanksEqualsOne) {
  const OpTable& table = *reference_backend(DType::kF64);
  constexpr int64_t kRows = 5, kVocab = 12, kTrue = 11, kHalf = 6;
  Rank rank;
  const auto alloc = [&](Shape shape) { return rank.alloc(DType::kF64, shape); };
  const Tensor targets = rank.alloc(DType::kI32, Shape(kRows));
  for (int64_t n = 0; n < kRows; ++n) set(targets, n, static_cast<double>(n == 2 ? -1 : n * 5 % kTrue));
  const Tensor control = rank.alloc(DType::kF64, Shape(kStepControlFields));
  control.as<StepControl>()->loss_scale = control.as<StepControl>()->share = 1.0;
  const auto run = [&](int num_ranks, std::vector<double>* logits_out) {
    const int64_t width = kVocab / num_ranks;
    std::vector<Tensor> logits, maximum, target, sum_exp;
    for (int r = 0; r < num_ranks; ++r) {
      const VocabRange range{r * width, kTrue};
      logits.push_back(alloc(Shape(kRows, width)));
      for (int64_t n = 0; n < kRows; ++n) {
        for (int64_t v = 0; v < width; ++v)
          set(logits[r], n * width + v, 4.0 * random_value(1, n * kVocab + range.begin + v));
      }
      maximum.push_back(alloc(Shape(kRows)));
      EXPECT_TRUE(table.cross_entropy_max(rank.context, maximum[r], logits[r], range).ok());
    }
    for (int r = 0; r < num_ranks; ++r) {
      for (int64_t n = 0; n < kRows; ++n) set(maximum[0], n, std::max(get(maximum[0], n), get(maximum[r], n)));
    }
    for (int r = 0; r < num_ranks; ++r) {
      target.push_back(alloc(Shape(kRows)));
      sum_exp.push_back(alloc(Shape(kRows)));
      EXPECT_TRUE(table
                      .cross_entropy_sum(rank.context, target[r], sum_exp[r], logits[r], maximum[0], targets,
                                         VocabRange{r * width, kTrue})
                      .ok());
      if (r == 0) continue;
      EXPECT_TRUE(table.add(rank.context, target[0], target[r]).ok());
      EXPECT_TRUE(table.add(rank.context, sum_exp[0], sum_exp[r]).ok());
    }
    const Tensor loss = alloc(Shape(kRows));
    EXPECT_TRUE(table.cross_entropy_loss(rank.context, loss, target[0], sum_exp[0], targets).ok());
    std::vector<double> losses;
    for (int64_t n = 0; n < kRows; ++n) losses.push_back(get(loss, n));
    for (int64_t n = 0; n < kRows; ++n) {
      for (int r = 0; r < num_ranks; ++r) {
        if (n == 0) {
          EXPECT_TRUE(table
                          .cross_entropy_backward(rank.context, logits[r], maximum[0], sum_exp[0], targets,
                                                  VocabRange{r * width, kTrue}, control)
                          .ok());
        }
        for (int64_t v = 0; v < width; ++v) logits_out->push_back(get(logits[r], n * width + v));
      }
    }
    return losses;
  };
  static_assert(kVocab == 2 * kHalf);
  std::vector<double> one, two;
  const std::vector<double> loss_of_one = run(1, &one);
  const std::vector<double> loss_of_two = run(2, &two);
  constexpr double kF64Tolerance = 1e-14;  // the same terms in another order
  EXPECT_LE(relative_difference(loss_of_one, loss_of_two), kF64Tolerance);
  EXPECT_LE(relative_difference(one, two), kF64Tolerance);
  EXPECT_EQ(loss_of_one[2], 0.0);
}

TEST(OpsTest, LongLoopsOfTheReferenceShowSignsOfLife) {
  // A table of 50,000 words in a slow build on a busy machine: several seconds an op.
  constexpr int64_t kCount = int64_t{5} << 20;
  const OpTable& table = *reference_backend(DType::kF32);
  std::unique_ptr<Arena> arena;
  ASSERT_TRUE(Arena::create(host_device(), 5 * kCount * sizeof(float), &arena).ok());
  mr_status_row row{};
  Heartbeat heartbeat(&row);
  Context context;
  context.scratch = arena.get();
  context.heartbeat = &heartbeat;
  Tensor x, m, v, grad, sum, control;
  for (Tensor* tensor : {&x, &m, &v, &grad}) {
    ASSERT_TRUE(arena->alloc(DType::kF32, Shape(kCount), tensor).ok());
  }
  ASSERT_TRUE(arena->alloc(DType::kF64, Shape(1), &sum).ok());
  ASSERT_TRUE(arena->alloc(DType::kF64, Shape(kStepControlFields), &control).ok());
  const auto ticks_of = [&](const auto& op) {
    const uint64_t before = row.ticks;
    EXPECT_TRUE(op().ok());
    return row.ticks - before;
  };
  EXPECT_GE(ticks_of([&] { return table.fill(context, x, 1.0); }), 5u);
  EXPECT_GE(ticks_of([&] { return table.scale(context, x, 2.0); }), 5u);
  EXPECT_GE(ticks_of([&] { return table.add(context, x, grad); }), 5u);
  EXPECT_GE(ticks_of([&] { return table.sum_squares(context, sum, x); }), 5u);
  EXPECT_GE(ticks_of([&] { return table.adamw(context, x, x, m, v, grad, AdamW{}, control); }), 5u);
}

}  // namespace
}  // namespace millrace::testing
