// The kernels of native/cuda that are neither products nor attention: they agree with the reference at every edge,
// touch nothing else, draw the CPU's masks, and have the same bits in whatever order blocks and threads run.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "emulated_gpu.h"
#include "kernel_cases.h"

namespace millrace::testing {
namespace {

constexpr DType kTypes[] = {DType::kF32, DType::kBF16, DType::kF16};

// As for the CPU's ops (ops_test.cc): sums of f32 in any order; 16-bit outputs and what they were computed from are
// rounded once each.
double tolerance_of(DType dtype) {
  if (dtype == DType::kBF16) return 3 * 0x1p-8;
  return dtype == DType::kF16 ? 3 * 0x1p-11 : 1e-5;
}

class KernelsTest : public EmulatedGpu {
 protected:
  // The worst argument of a case against the reference in f64.
  double error_of(const OpCase& op, DType dtype, std::string* where) {
    Rank reference;
    Values expected;
    EXPECT_TRUE(run_case(op, *reference_backend(DType::kF64), reference, initial_values(op, dtype), &expected).ok());
    const CaseResult actual = run(op, dtype);
    double worst = 0.0;
    for (size_t a = 0; a < op.arguments.size(); ++a) {
      const double error = relative_difference(expected[a], actual.after[a]);
      if (error > worst) *where = op.arguments[a].name;
      worst = std::max(worst, error);
    }
    return worst;
  }
};

TEST_F(KernelsTest, EveryKernelAgreesWithTheReferenceAndTouchesNothingElse) {
  for (const DType dtype : kTypes) {
    for (const OpCase& op : kernel_cases()) {
      std::string where;
      EXPECT_LE(error_of(op, dtype, &where), tolerance_of(dtype)) << op.name << ": " << where;
    }
  }
}

TEST_F(KernelsTest, OneWrongElementIsSeen) {
  OpCase op = residual_case(1, 3, 1025, 0.1f, true, true);
  const auto call = op.call;
  op.call = [call](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(call(table, context, t));
    if (table.name != std::string("cuda") || t[6].empty()) return ok();
    return table.scale(context, t[6].reshaped(Shape(3 * 1025)).rows(2000, 1), 1.5);
  };
  std::string where;
  EXPECT_GT(error_of(op, DType::kF32, &where), tolerance_of(DType::kF32));
  EXPECT_EQ(where, "y");
}

TEST_F(KernelsTest, TheBitsDoNotDependOnTheOrderOfBlocksAndThreads) {
  for (const OpCase& op : kernel_cases()) {
    emulator::settings().order = emulator::Order::kForward;
    const std::vector<char> forward = image_of(op, DType::kBF16);
    emulator::settings().order = emulator::Order::kShuffled;
    emulator::settings().seed = 7;
    EXPECT_EQ(image_of(op, DType::kBF16), forward) << op.name;
  }
}

// The twin: sums in another order are seen. Rows of three magnitudes the other way round, so their sums differ.
TEST_F(KernelsTest, TheOrderOfRowsShowsInTheBitsOfTheirSums) {
  OpCase op = bias_in_place_case(1, 64, 8);
  const auto value = [](int64_t i) { return random_value(1, i) * static_cast<double>(int64_t{1} << i / 8 % 3 * 9); };
  op.arguments[0].value = value;
  const std::vector<double> sums = run(op, DType::kF32).after[1];
  op.arguments[0].value = [value](int64_t i) { return value((63 - i / 8) * 8 + i % 8); };
  EXPECT_NE(run(op, DType::kF32).after[1], sums);
}

TEST_F(KernelsTest, UnalignedTensorsHaveTheSameBits) {
  for (const DType dtype : {DType::kF32, DType::kBF16}) {
    for (const OpCase& op : kernel_cases()) {
      const int64_t most = 20000;  // elements; larger cases cut their work in the same places
      const auto large = [=](const Argument& argument) { return argument.shape.num_elements() > most; };
      if (std::any_of(op.arguments.begin(), op.arguments.end(), large)) continue;
      const Values aligned = run(op, dtype).after, shifted = run(unaligned(op), dtype).after;
      for (size_t a = 0; a < aligned.size(); ++a) {
        const std::vector<double> rest(shifted[a].begin() + 1, shifted[a].end());
        EXPECT_EQ(relative_difference(aligned[a], rest), 0.0) << op.name << ": " << op.arguments[a].name;
      }
    }
  }
}

// The forward pass of the norm may be computed again from what was kept.
TEST_F(KernelsTest, TheNormOfAStoredSumHasTheBitsOfTheFusedKernel) {
  for (const DType dtype : kTypes) {
    for (const int64_t c : {7, 128, 768, 1024, 1536, 2049, 8200}) {
      OpCase op = residual_case(1, 5, c, 0.1f, true, true);
      op.arguments.push_back({"y again", Role::kOut, Shape(5, c), {}});
      op.arguments.push_back({"mean again", Role::kOut, Shape(5), {}, Type::kWide});
      op.arguments.push_back({"rstd again", Role::kOut, Shape(5), {}, Type::kWide});
      const auto call = op.call;
      op.call = [call](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
        MR_RETURN_IF_ERROR(call(table, context, t));
        return table.layernorm_forward(context, t[16], t[17], t[18], t[5], t[3], t[4], 1e-5);
      };
      const Values after = run(op, dtype).after;
      for (const size_t i : {0, 1, 2}) EXPECT_EQ(after[16 + i], after[6 + i]) << op.name;
    }
  }
}

struct MaskShape {
  int64_t b, t, c;
};

// dx of ones: the factors themselves. The step stands in device memory.
OpCase mask_case(const MaskShape& s, float p, bool local_numbers) {
  OpCase op;
  op.name = label("mask", {s.b, s.t, s.c});
  op.arguments = {{"dr", Role::kIn, Shape(s.b, s.t, s.c), [](int64_t) { return 1.0; }},
                  {"dx", Role::kOut, Shape(s.b, s.t, s.c), {}},
                  sample_numbers(s.b),
                  {"step", Role::kIn, Shape(1), [](int64_t) { return 11.0; }, Type::kI64}};
  if (local_numbers) op.arguments[2].value = [](int64_t i) { return static_cast<double>(i); };
  op.call = [p](const OpTable& table, Context& context, const std::vector<Tensor>& a) {
    Dropout dropout = dropout_of(p, Site::kMlpOutput, a[2]);
    dropout.step = a[3].as<int64_t>();
    return table.bias_dropout_backward(context, a[1], Tensor{}, a[0], dropout);
  };
  return op;
}

TEST_F(KernelsTest, MasksAreThoseOfTheOracleToTheBit) {
  // Samples whose sizes are no multiples of four, so that most begin inside a block of Philox.
  for (const MaskShape& shape : {MaskShape{6, 3, 7}, MaskShape{6, 5, 130}, MaskShape{2, 1, 1}, MaskShape{6, 4, 1032}}) {
    for (const float p : {0.1f, 0.5f}) {
      const OpCase op = mask_case(shape, p, false);
      Rank oracle;
      Values expected;
      const Values before = initial_values(op);
      ASSERT_TRUE(run_case(op, *reference_backend(DType::kF32), oracle, before, &expected).ok());
      for (const DType dtype : kTypes) {
        const std::vector<double> factors = run(op, dtype).after[1];
        const auto kept = [](double factor) { return factor != 0.0; };
        EXPECT_TRUE(std::ranges::equal(factors, expected[1], {}, kept, kept)) << op.name << " " << p;
        if (dtype == DType::kF32) {
          EXPECT_EQ(factors, expected[1]) << op.name;
        }
      }
      // The twin: samples counted inside the batch.
      if (shape.c > 7) {
        EXPECT_NE(run(mask_case(shape, p, true), DType::kF32).after[1], expected[1]) << op.name;
      }
    }
  }
}

// Nine steps of a record in device memory; the seventh gradient is not finite, and the host does not look.
TEST_F(KernelsTest, TheControlOfAStepAdvancesAsOnTheHost) {
  constexpr double kNorms[] = {4e6, 100, 1e5, 3e4, 1e7, 2e6, std::numeric_limits<double>::infinity(), 1, 1};
  constexpr int64_t kSteps = 9;
  StepRules rules;
  rules.schedule = {Decay::kCosine, 3e-4, 1e-5, 2, 20};
  rules.loss_scale = {true, 1024, 1, 3, 1};
  rules.clip_norm = 1.0;
  StepControl host{};
  host.loss_scale = rules.loss_scale.initial;
  host.hysteresis = rules.loss_scale.hysteresis;
  OpCase op;
  op.name = "step control";
  op.arguments = {control_argument(Role::kInOut, host),
                  {"norms", Role::kIn, Shape(kSteps), [&](int64_t i) { return kNorms[i]; }, Type::kF64}};
  op.call = [rules](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    const Tensor norm = control_field(t[0], offsetof(StepControl, norm_squared));
    for (int64_t step = 0; step < kSteps; ++step) {
      MR_RETURN_IF_ERROR(table.begin_step(context, t[0], step, 0.25));
      MR_RETURN_IF_ERROR(table.sum(context, norm, t[1].rows(step, 1)));
      MR_RETURN_IF_ERROR(table.decide_step(context, t[0], rules));
    }
    return ok();
  };
  for (int64_t step = 0; step < kSteps; ++step) {
    begin_step(step, 0.25, host);
    host.norm_squared += kNorms[step];
    decide_step(rules, host);
  }
  const Values after = run(op, DType::kF32).after;
  StepControl device{};
  std::memcpy(&device, after[0].data(), sizeof(device));
  EXPECT_EQ(std::memcmp(&device, &host, sizeof(host)), 0);
  EXPECT_EQ(device.updates, 6);
  EXPECT_EQ(device.loss_scale, 2048);  // doubled twice, halved once
  EXPECT_EQ(device.verdict, static_cast<int64_t>(StepVerdict::kHeld));
}

}  // namespace
}  // namespace millrace::testing
