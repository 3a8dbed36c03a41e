// What gpu-check's runner of op cases sees besides wrong values. Each fault is planted in an op that is otherwise
// right.
#include "../gpu/device_case.h"

#include <gtest/gtest.h>

#include "core/backend.h"
#include "core/op_checks.h"
#include "op_cases.h"

namespace millrace::testing {
namespace {

using Call = std::function<Status(const OpTable&, Context&, const std::vector<Tensor>&)>;

CaseResult run(const OpCase& op) {
  const OpTable& table = *reference_backend(DType::kF32);
  DeviceRank rank(host_device());
  CaseResult result;
  const Status status = run_on_device(op, table, rank, initial_values(op), &result);
  EXPECT_TRUE(status.ok()) << status.message();
  return result;
}

// linear_case() of which `damage` follows every call that has data.
OpCase damaged(const Call& damage) {
  OpCase op = linear_case(5, 7, 3, true);
  op.call = [call = op.call, damage](const OpTable& table, Context& context, const std::vector<Tensor>& t) -> Status {
    MR_RETURN_IF_ERROR(call(table, context, t));
    return planning(context) ? ok() : damage(table, context, t);
  };
  return op;
}

std::string only_fault(const OpCase& op) {
  const CaseResult result = run(op);
  EXPECT_EQ(result.faults.size(), 1u);
  return result.faults.empty() ? "" : result.faults.front();
}

TEST(DeviceCase, AnOpThatKeepsTheRulesHasNoFaultAndTheValuesOfRunCase) {
  for (const OpCase& op : all_cases()) {
    const CaseResult result = run(op);
    EXPECT_TRUE(result.faults.empty()) << op.name << ": " << (result.faults.empty() ? "" : result.faults.front());
    millrace::testing::Rank rank;
    Values expected;
    ASSERT_TRUE(run_case(op, *reference_backend(DType::kF32), rank, initial_values(op), &expected).ok());
    for (size_t a = 0; a < expected.size(); ++a) {
      EXPECT_EQ(relative_difference(expected[a], result.after[a]), 0.0) << op.name << ", " << op.arguments[a].name;
    }
  }
}

TEST(DeviceCase, AWriteBehindATensorIsSeen) {
  const auto damage = [](const OpTable&, Context&, const std::vector<Tensor>& t) {
    t[3].as<float>()[t[3].num_elements()] = 0;
    return ok();
  };
  EXPECT_EQ(only_fault(damaged(damage)), "a write between y and dy");
}

TEST(DeviceCase, AWriteBeforeTheFirstAndBehindTheLastTensorIsSeen) {
  const auto before = [](const OpTable&, Context&, const std::vector<Tensor>& t) {
    t.front().as<float>()[-1] = 0;
    return ok();
  };
  const auto behind = [](const OpTable&, Context&, const std::vector<Tensor>& t) {
    t.back().as<float>()[t.back().num_elements() + 20] = 0;
    return ok();
  };
  EXPECT_EQ(only_fault(damaged(before)), "a write between the beginning and x");
  EXPECT_EQ(only_fault(damaged(behind)), "a write after dbias");
}

TEST(DeviceCase, AnInputThatChangesIsSeen) {
  const auto damage = [](const OpTable&, Context&, const std::vector<Tensor>& t) {
    t[1].as<float>()[2] += 1;
    return ok();
  };
  EXPECT_EQ(only_fault(damaged(damage)), "input w changed");
}

TEST(DeviceCase, ScratchThatIsKeptIsSeen) {
  OpCase op = linear_case(5, 7, 3, true);
  op.call = [](const OpTable&, Context& context, const std::vector<Tensor>&) {
    Tensor kept;
    return context.scratch->alloc(DType::kF32, Shape(4), &kept);
  };
  EXPECT_EQ(only_fault(op), "scratch is not left as it was found");
}

TEST(DeviceCase, AnotherWorkspaceThanWasPlannedIsSeen) {
  const auto damage = [](const OpTable&, Context& context, const std::vector<Tensor>&) -> Status {
    const size_t mark = context.scratch->mark();
    Tensor more;
    MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kF32, Shape(1000), &more));
    context.scratch->release(mark);
    return ok();
  };
  EXPECT_NE(only_fault(damaged(damage)).find("were planned"), std::string::npos);
}

TEST(DeviceCase, AnOutputThatIsNotWrittenIsNotANumber) {
  OpCase op = linear_case(5, 7, 3, true);
  op.arguments.push_back({"forgotten", Role::kOut, Shape(2), {}});
  EXPECT_TRUE(std::isnan(run(op).after.back()[1]));
}

}  // namespace
}  // namespace millrace::testing
