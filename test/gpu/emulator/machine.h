// A GPU of the emulator for a test, with its settings put back afterwards.
#ifndef MILLRACE_EMULATOR_MACHINE_H_
#define MILLRACE_EMULATOR_MACHINE_H_

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/backend.h"
#include "cuda/launch.h"
#include "emulator/emulator.h"

namespace emulator {

class MachineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    before_ = settings();
    reset();
    const millrace::Status opened = millrace::open_cuda_device(0, true, &device_);
    ASSERT_TRUE(opened.ok()) << opened.message();
    context_.device = device_.get();
    context_.stream = device_->stream();
  }
  void TearDown() override {
    for (void* each : memory_) device_->release(each, 0);
    device_.reset();
    settings() = before_;
    reset();
  }

  // Memory of the GPU for `values`, which are copied there; freed at the end of the test.
  template <class T>
  T* on_gpu(const std::vector<T>& values) {
    void* memory = nullptr;
    EXPECT_TRUE(device_->allocate(values.size() * sizeof(T), &memory).ok());
    memory_.push_back(memory);
    EXPECT_TRUE(device_->to_device(context_, memory, values.data(), values.size() * sizeof(T)).ok());
    return static_cast<T*>(memory);
  }
  template <class T>
  std::vector<T> on_host(const T* memory, size_t count) {
    std::vector<T> values(count);
    EXPECT_TRUE(device_->to_host(context_, values.data(), memory, count * sizeof(T)).ok());
    EXPECT_TRUE(device_->wait(context_).ok());
    return values;
  }
  // Launches one block and waits; what went wrong, if anything.
  template <class... Params, class... Args>
  std::string run(void (*kernel)(Params...), dim3 block, size_t shared_bytes, Args... args) {
    millrace::Status status = millrace::cuda::launch(context_, kernel, 1, block, shared_bytes, args...);
    if (status.ok()) status = device_->wait(context_);
    return status.message();
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  std::unique_ptr<millrace::Device> device_;
  millrace::Context context_;

 private:
  Settings before_;
  std::vector<void*> memory_;
};

}  // namespace emulator

#endif  // MILLRACE_EMULATOR_MACHINE_H_
