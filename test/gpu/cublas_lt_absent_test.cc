// A machine with a GPU and without cuBLASLt: no GPU can be used and the reason names the library; memory is planned all
// the same. In a program of its own, for the library is looked for once.
#include <gtest/gtest.h>

#include "core/backend.h"
#include "device_case.h"
#include "emulator/libraries.h"
#include "op_cases.h"

namespace millrace::testing {
namespace {

TEST(CublasLtAbsentTest, TheMissingLibraryIsNamedAndPlanningDoesNotAskForIt) {
  emulator::hide_library("libcublasLt.so.13", true);
  std::string why;
  EXPECT_EQ(cuda_device_count(&why), 0);
  EXPECT_NE(why.find("libcublasLt.so.13"), std::string::npos) << why;
  std::unique_ptr<Device> device;
  const Status status = open_cuda_device(0, true, &device);
  EXPECT_EQ(status.code(), MR_NO_DEVICE);
  EXPECT_NE(status.message().find("libcublasLt.so.13"), std::string::npos) << status.message();

  for (const DType dtype : {DType::kF32, DType::kBF16, DType::kF16}) {
    for (const OpCase& op : {linear_case(4, 4, 4, true), mlp_case(Gelu::kTanh, 4, 8, 4)}) {
      size_t planned = 0;
      const Status plans = device_case::planned_workspace(op, *cuda_backend(dtype), Context{},
                                                          device_case::layout_of(op, dtype), &planned);
      EXPECT_TRUE(plans.ok()) << plans.message();
      EXPECT_GT(planned, size_t{32} << 20);
    }
  }
}

}  // namespace
}  // namespace millrace::testing
