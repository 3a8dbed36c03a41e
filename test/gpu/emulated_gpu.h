// A rank on an emulated GPU of its own, for tests that run op cases there.
#ifndef MILLRACE_TEST_GPU_EMULATED_GPU_H_
#define MILLRACE_TEST_GPU_EMULATED_GPU_H_

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "core/backend.h"
#include "device_case.h"
#include "emulator/emulator.h"

namespace millrace::testing {

class EmulatedGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    std::unique_ptr<Device> device;
    const Status status = open_cuda_device(0, true, &device);
    ASSERT_TRUE(status.ok()) << status.message();
    device_ = std::move(device);
    rank_ = std::make_unique<DeviceRank>(*device_);
  }
  void TearDown() override { emulator::settings() = emulator::Settings{}; }

  CaseResult run(const OpCase& op, DType dtype, std::vector<char>* image = nullptr) {
    CaseResult result;
    const Status status = run_on_device(op, *cuda_backend(dtype), *rank_, initial_values(op, dtype), &result, image);
    EXPECT_TRUE(status.ok()) << op.name << ": " << status.message();
    EXPECT_TRUE(result.faults.empty()) << op.name << ": " << result.faults.front();
    if (!status.ok()) result.after = initial_values(op, dtype);
    return result;
  }
  std::vector<char> image_of(const OpCase& op, DType dtype) {
    std::vector<char> image;
    run(op, dtype, &image);
    return image;
  }

  std::unique_ptr<Device> device_;
  std::unique_ptr<DeviceRank> rank_;
};

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_EMULATED_GPU_H_
