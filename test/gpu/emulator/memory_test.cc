// What the emulator finds in the use of memory and of streams, each with the same done right.
#include <cmath>

#include "emulator/machine.h"

namespace emulator {
namespace {

class MemoryTest : public MachineTest {};
using MemoryDeathTest = MemoryTest;

__global__ void write_kernel(float* out, int64_t at, float value) { out[at] = value; }

TEST_F(MemoryTest, a_write_far_outside_is_an_error_that_names_the_kernel_and_the_distance) {
  float* memory = on_gpu(std::vector<float>(100));
  EXPECT_EQ(run(write_kernel, 1, 0, memory, int64_t{99}, 1.0f), "");
  const std::string wrong = run(write_kernel, 1, 0, memory, int64_t{200}, 1.0f);
  EXPECT_TRUE(contains(wrong, "write_kernel") &&
              contains(wrong, "400 bytes past the end of an allocation of 400 bytes"))
      << wrong;
}

TEST_F(MemoryTest, after_a_fault_nothing_runs_on_the_gpu_any_more) {
  float* memory = on_gpu(std::vector<float>(100));
  EXPECT_NE(run(write_kernel, 1, 0, memory, int64_t{200}, 1.0f), "");
  EXPECT_NE(run(write_kernel, 1, 0, memory, int64_t{0}, 1.0f), "");
  reset();
  EXPECT_EQ(run(write_kernel, 1, 0, memory, int64_t{0}, 1.0f), "");
}

TEST_F(MemoryDeathTest, a_write_just_past_the_end_is_found_when_the_memory_is_released) {
  const auto write_and_release = [&](int64_t at) {
    void* memory = nullptr;
    if (!device_->allocate(400, &memory).ok()) return;
    (void)run(write_kernel, 1, 0, static_cast<float*>(memory), at, 1.0f);
    device_->release(memory, 400);
  };
  write_and_release(99);
  EXPECT_DEATH(write_and_release(100), "past the end of an allocation of 400 bytes");
  EXPECT_DEATH(write_and_release(-1), "before the beginning of an allocation of 400 bytes");
}

TEST_F(MemoryDeathTest, the_host_cannot_touch_device_memory) {
  float* memory = on_gpu(std::vector<float>(100, 2.0f));
  EXPECT_EQ(on_host(memory, 1)[0], 2.0f);
  EXPECT_DEATH(memory[5] = 1.0f, "the host touches device memory: byte 20 of an allocation of 400 bytes on GPU 0");
}

struct Wrapped {
  int count;
  float* values;
};
__global__ void write_wrapped_kernel(Wrapped wrapped) { wrapped.values[0] = 1.0f; }

TEST_F(MemoryTest, a_kernel_is_not_launched_with_a_pointer_of_the_host) {
  std::vector<float> heap(1);
  float stack = 0;
  EXPECT_TRUE(
      contains(run(write_kernel, 1, 0, heap.data(), int64_t{0}, 1.0f), "argument 1 points to memory of the host"));
  EXPECT_TRUE(contains(run(write_kernel, 1, 0, &stack, int64_t{0}, 1.0f), "points to memory of the host"));
  EXPECT_TRUE(contains(run(write_wrapped_kernel, 1, 0, Wrapped{1, &stack}), "points to memory of the host"));
  EXPECT_EQ(run(write_wrapped_kernel, 1, 0, Wrapped{1, on_gpu(heap)}), "");
}

TEST_F(MemoryTest, fresh_memory_of_cudaMalloc_holds_no_numbers) {
  float* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 40), cudaSuccess);
  EXPECT_TRUE(std::isnan(on_host(memory, 10)[9]));
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
}

TEST_F(MemoryTest, a_copy_beyond_an_allocation_or_of_the_wrong_kind_fails) {
  float* memory = on_gpu(std::vector<float>(10));
  float values[20] = {};
  EXPECT_EQ(cudaMemcpy(memory, values, 40, cudaMemcpyHostToDevice), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(memory, values, 44, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpy(memory, values, 40, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  (void)cudaGetLastError();
}

class StreamTest : public MachineTest {};

TEST_F(StreamTest, late_streams_show_where_an_event_is_missing) {
  settings().late = true;
  const cudaStream_t first = context_.stream->handle;
  cudaStream_t second = nullptr;
  cudaEvent_t written = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreate(&written), cudaSuccess);
  const auto read = [&](bool ordered) {
    float* memory = on_gpu(std::vector<float>{0.0f});
    float value = -1;
    EXPECT_TRUE(device_->wait(context_).ok());
    EXPECT_TRUE(millrace::cuda::launch(context_, write_kernel, 1, 1, 0, memory, int64_t{0}, 5.0f).ok());
    EXPECT_EQ(cudaEventRecord(written, first), cudaSuccess);
    if (ordered) {
      EXPECT_EQ(cudaStreamWaitEvent(second, written), cudaSuccess);
    }
    EXPECT_EQ(cudaMemcpyAsync(&value, memory, sizeof(float), cudaMemcpyDeviceToHost, second), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(second), cudaSuccess);
    return value;
  };
  EXPECT_EQ(read(true), 5.0f);
  EXPECT_EQ(read(false), 0.0f);
  EXPECT_EQ(cudaStreamDestroy(second), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(written), cudaSuccess);
}

__global__ void increment_kernel(float* value) { value[0] += 1.0f; }

TEST_F(StreamTest, a_captured_stream_runs_nothing_and_its_graph_runs_all_of_it_each_time) {
  for (const bool late : {false, true}) {
    settings().late = late;
    float* value = on_gpu(std::vector<float>{0.0f});
    const cudaStream_t stream = context_.stream->handle;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    EXPECT_TRUE(millrace::cuda::launch(context_, increment_kernel, 1, 1, 0, value).ok());
    EXPECT_TRUE(millrace::cuda::launch(context_, increment_kernel, 1, 1, 0, value).ok());
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    EXPECT_EQ(on_host(value, 1)[0], 0.0f);
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph), cudaSuccess);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(cudaGraphLaunch(executable, stream), cudaSuccess);
    EXPECT_EQ(on_host(value, 1)[0], 6.0f);
    EXPECT_EQ(cudaGraphDestroy(graph), cudaSuccess);
    EXPECT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  }
}

TEST_F(StreamTest, allocating_or_waiting_spoils_a_capture) {
  const cudaStream_t stream = context_.stream->handle;
  for (const bool allocates : {true, false}) {
    cudaGraph_t graph = nullptr;
    void* memory = nullptr;
    ASSERT_EQ(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    EXPECT_EQ(allocates ? cudaMalloc(&memory, 4) : cudaStreamSynchronize(stream), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  }
  (void)cudaGetLastError();
}

}  // namespace
}  // namespace emulator
