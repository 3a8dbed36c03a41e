// Collectives of 1, 2, 4 and 8 ranks on one GPU: the bits that ranks on the CPU get, on every rank, in every format
// that the trainer sends.
#include "gpu_check.h"

#if defined(MILLRACE_CUDA)

#include <cstring>
#include <functional>
#include <memory>
#include <thread>

#include "api/rank_threads.h"
#include "comm/device_group.h"
#include "comm/thread_comm.h"
#include "gpu_device.h"
#include "op_case.h"

#endif

namespace millrace::testing {

#if defined(MILLRACE_CUDA)

namespace {

constexpr int64_t kCount = 100003;  // odd, and more than one block

using Group = std::vector<std::unique_ptr<Communicator>>;
using Bytes = std::vector<char>;

struct Work {
  DType dtype;
  ReduceOp op;
  const char* name;
};

Bytes random_bytes(const Work& work, int rank) {
  Bytes bytes(static_cast<size_t>(kCount) * dtype_bytes(work.dtype));
  const Tensor tensor{bytes.data(), work.dtype, Shape(kCount)};
  for (int64_t i = 0; i < kCount; ++i) {
    set(tensor, i, random_value(static_cast<uint64_t>(rank) + 11, i) * (i % 3 == 0 ? 1000 : 1));
  }
  return bytes;
}

// Every rank's buffer after an all_reduce of random_bytes() on `backend`.
Status all_reduce(const std::string& backend, const Work& work, Group& group, RankThreads& threads,
                  std::vector<Bytes>* out) {
  out->assign(group.size(), {});
  return threads.run([&](int r) -> Status {
    const size_t index = static_cast<size_t>(r);
    std::shared_ptr<Device> device;
    MR_RETURN_IF_ERROR(open_device(backend, group.size() == 1, &device));
    std::unique_ptr<Arena> arena;
    Bytes bytes = random_bytes(work, r);
    MR_RETURN_IF_ERROR(Arena::create(*device, bytes.size() + Arena::kAlignment, &arena));
    Context context;
    context.device = device.get();
    context.stream = device->stream();
    context.scratch = arena.get();
    Tensor tensor;
    MR_RETURN_IF_ERROR(arena->alloc(work.dtype, Shape(kCount), &tensor));
    MR_RETURN_IF_ERROR(device->to_device(context, tensor.data, bytes.data(), bytes.size()));
    MR_RETURN_IF_ERROR(group[index]->all_reduce(context, tensor, work.op, work.name));
    MR_RETURN_IF_ERROR(device->to_host(context, bytes.data(), tensor.data, bytes.size()));
    MR_RETURN_IF_ERROR(device->wait(context));
    // A peer may still read this rank's memory.
    MR_RETURN_IF_ERROR(group[index]->barrier(context, "end"));
    (*out)[index] = std::move(bytes);
    return ok();
  });
}

Status check_ranks(CheckReport& report, int num_ranks) {
  constexpr Work kWorks[] = {{DType::kF32, ReduceOp::kSum, "sum of fp32"},
                             {DType::kBF16, ReduceOp::kSum, "sum of bf16"},
                             {DType::kF16, ReduceOp::kSum, "sum of fp16"},
                             {DType::kF64, ReduceOp::kSum, "sum of fp64"},
                             {DType::kF32, ReduceOp::kMax, "largest of fp32"}};
  RankThreads threads(num_ranks);
  Group device_group;
  MR_RETURN_IF_ERROR(create_device_group(std::vector<int>(static_cast<size_t>(num_ranks), 0), true, &device_group));
  Group host_group = create_thread_group(num_ranks);
  for (const Work& work : kWorks) {
    std::vector<Bytes> expected, actual;
    MR_RETURN_IF_ERROR(all_reduce("reference", work, host_group, threads, &expected));
    MR_RETURN_IF_ERROR(all_reduce("cuda", work, device_group, threads, &actual));
    double different = 0;
    for (const Bytes& bytes : actual) different += bytes == expected.front() ? 0 : 1;
    report.add("communicator of " + std::to_string(num_ranks) + ", " + work.name, different, 0,
               "ranks whose bits are not the CPU's");
  }
  return ok();
}

}  // namespace

void check_communicator(CheckReport& report) {
  if (report.options().backend != "cuda") return;
  for (const int num_ranks : {1, 2, 4, 8}) {
    const std::string title = "communicator of " + std::to_string(num_ranks);
    if (report.wanted(title)) report.run(title, [&] { return check_ranks(report, num_ranks); });
  }
}

#else

void check_communicator(CheckReport&) {}

#endif

}  // namespace millrace::testing
