// CudaDevice, on the emulator.
#include <utility>

#include "emulator/libraries.h"
#include "emulator/machine.h"

namespace millrace {
namespace {

class DeviceTest : public emulator::MachineTest {};

__global__ void add_kernel(double* total, const double* x) { total[0] += x[0]; }

TEST_F(DeviceTest, memory_begins_as_zeros_and_a_full_gpu_says_how_much_was_asked_for) {
  void* memory = nullptr;
  ASSERT_TRUE(device_->allocate(4000, &memory).ok());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(memory) % Arena::kAlignment, 0u);
  EXPECT_EQ(on_host(static_cast<char*>(memory), 4000), std::vector<char>(4000));
  device_->release(memory, 4000);
  const Status full = device_->allocate(emulator::settings().memory_bytes + 1, &memory);
  EXPECT_EQ(full.code(), MR_OUT_OF_MEMORY);
  EXPECT_TRUE(contains(full.message(), std::to_string(emulator::settings().memory_bytes + 1))) << full.message();
}

TEST_F(DeviceTest, what_was_copied_from_may_change_at_once_also_when_the_ring_goes_round) {
  emulator::settings().late = true;
  // More than the ring holds, in pieces that do not divide it.
  constexpr size_t kCount = 700001, kCopies = 9;
  std::vector<std::vector<float>> sent;
  std::vector<float*> copies;
  for (size_t c = 0; c < kCopies; ++c) copies.push_back(on_gpu(std::vector<float>(kCount)));
  std::vector<float> from(kCount);
  for (size_t c = 0; c < kCopies; ++c) {
    for (size_t i = 0; i < kCount; ++i) from[i] = static_cast<float>(i % 1000 + c);
    ASSERT_TRUE(device_->to_device(context_, copies[c], from.data(), kCount * sizeof(float)).ok());
  }
  from.assign(kCount, -1.0f);
  for (size_t c = 0; c < kCopies; ++c) {
    const std::vector<float> got = on_host(copies[c], kCount);
    EXPECT_EQ(got[0], static_cast<float>(c));
    EXPECT_EQ(got[kCount - 1], static_cast<float>((kCount - 1) % 1000 + c));
  }
}

TEST_F(DeviceTest, page_locked_memory_is_filled_when_its_event_is_complete) {
  emulator::settings().late = true;
  const std::vector<double> values{1.5, 2.5};
  const double* memory = on_gpu(values);
  void* host = nullptr;
  ASSERT_TRUE(device_->allocate_host(16, &host).ok());
  const double* got = static_cast<const double*>(host);
  Event first, second;
  ASSERT_TRUE(device_->to_host(context_, host, memory, 8).ok());
  ASSERT_TRUE(device_->mark(context_, &first).ok());
  ASSERT_TRUE(device_->to_host(context_, static_cast<double*>(host) + 1, memory + 1, 8).ok());
  ASSERT_TRUE(device_->mark(context_, &second).ok());
  ASSERT_TRUE(device_->wait_for(first).ok());
  EXPECT_EQ(got[0], 1.5);
  EXPECT_EQ(got[1], 0.0);  // not waited for yet
  ASSERT_TRUE(device_->wait_for(second).ok());
  EXPECT_EQ(got[1], 2.5);
  device_->release_host(host, 16);
}

TEST_F(DeviceTest, the_third_call_with_a_key_runs_the_record_and_reads_memory_as_it_is_then) {
  double* total = on_gpu(std::vector<double>{0.0});
  double* x = on_gpu(std::vector<double>{0.0});
  int calls = 0;
  const auto work = [&] {
    ++calls;
    return cuda::launch(context_, add_kernel, 1, 1, 0, total, x);
  };
  double expected = 0;
  for (int i = 1; i <= 5; ++i) {
    const double value = i * i;
    ASSERT_TRUE(device_->to_device(context_, x, &value, sizeof(value)).ok());
    ASSERT_TRUE(device_->replay(context_, 7, work).ok());
    EXPECT_EQ(on_host(total, 1)[0], expected += value);
  }
  EXPECT_EQ(calls, 2);
  ASSERT_TRUE(device_->replay(context_, 8, work).ok());  // another key
  EXPECT_EQ(calls, 3);
}

TEST_F(DeviceTest, a_shared_gpu_records_nothing) {
  std::unique_ptr<Device> shared;
  ASSERT_TRUE(open_cuda_device(0, false, &shared).ok());
  Context context;
  context.device = shared.get();
  context.stream = shared->stream();
  int calls = 0;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(shared
                    ->replay(context, 1,
                             [&] {
                               ++calls;
                               return ok();
                             })
                    .ok());
  }
  EXPECT_EQ(calls, 4);
}

TEST_F(DeviceTest, work_that_cannot_be_recorded_runs_plainly_and_says_why) {
  double* total = on_gpu(std::vector<double>{0.0});
  double* x = on_gpu(std::vector<double>{1.0});
  const auto work = [&]() -> Status {
    void* memory = nullptr;
    MR_CUDA(cudaMalloc(&memory, 8));  // forbidden while a stream is captured
    MR_CUDA(cudaFree(memory));
    return cuda::launch(context_, add_kernel, 1, 1, 0, total, x);
  };
  for (int i = 1; i <= 4; ++i) {
    ASSERT_TRUE(device_->replay(context_, 7, work).ok());
    EXPECT_EQ(on_host(total, 1)[0], i);
  }
  EXPECT_FALSE(context_.stream->not_recorded.ok());
}

TEST_F(DeviceTest, what_is_missing_is_named) {
  std::string why;
  EXPECT_EQ(cuda_device_count(&why), 1);
  std::unique_ptr<Device> other;
  EXPECT_EQ(open_cuda_device(1, true, &other).code(), MR_NO_DEVICE);
  emulator::settings().num_gpus = 0;
  EXPECT_EQ(cuda_device_count(&why), 0);
  EXPECT_TRUE(contains(why, "NVIDIA driver")) << why;
  const Status none = open_cuda_device(0, true, &other);
  EXPECT_EQ(none.code(), MR_NO_DEVICE);
  EXPECT_EQ(none.message(), why);
}

TEST_F(DeviceTest, an_error_names_the_call_and_the_reason) {
  const auto failing = []() -> Status {
    MR_CUDA(cudaSetDevice(99));
    return ok();
  };
  const Status status = failing();
  EXPECT_EQ(status.code(), MR_NO_DEVICE);
  EXPECT_TRUE(contains(status.message(), "cudaSetDevice(99)") && contains(status.message(), "cudaErrorInvalidDevice"))
      << status.message();
  EXPECT_EQ(cudaPeekAtLastError(), cudaSuccess);
}

}  // namespace
}  // namespace millrace
