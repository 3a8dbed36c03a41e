// Runs a case of op_cases.h on any backend and device and looks for what its results alone do not show: an output that
// was not written, an input that was, a write outside a tensor, scratch that was not given back, more or less workspace
// than was planned.
//
// All tensors lie in one allocation, each between two guard zones:
//
//   | guard | argument 0 | guard | argument 1 | ... | guard |
#ifndef MILLRACE_TEST_GPU_DEVICE_CASE_H_
#define MILLRACE_TEST_GPU_DEVICE_CASE_H_

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "core/device.h"
#include "op_case.h"

namespace millrace::testing {

inline constexpr size_t kGuardBytes = 1024;  // keeps the alignment that arenas give
inline constexpr unsigned char kGuard = 0xA5;

// One rank on `device`, which outlives it.
class DeviceRank {
 public:
  explicit DeviceRank(Device& device, int num_threads = 2) : pool_(num_threads) {
    context_.device = &device;
    context_.stream = device.stream();
    context_.pool = &pool_;
  }
  Context& context() { return context_; }

 private:
  ThreadPool pool_;
  Context context_;
};

struct CaseResult {
  Values after;                     // all arguments
  std::vector<std::string> faults;  // sentences; none when all is well
};

namespace device_case {

struct Layout {
  std::vector<size_t> offsets;  // of the arguments, in bytes
  size_t bytes = 0;
};

inline Layout layout_of(const OpCase& op, DType table) {
  Layout layout;
  layout.bytes = kGuardBytes;
  for (const Argument& argument : op.arguments) {
    const size_t size = static_cast<size_t>(argument.shape.num_elements()) * dtype_bytes(argument.dtype(table));
    layout.offsets.push_back(layout.bytes);
    layout.bytes += (size + Arena::kAlignment - 1) / Arena::kAlignment * Arena::kAlignment + kGuardBytes;
  }
  return layout;
}

// The arguments as tensors over `base`, which may be null: tensors of a measuring arena have no data.
inline std::vector<Tensor> tensors_over(const OpCase& op, DType table, const Layout& layout, void* base) {
  std::vector<Tensor> tensors;
  for (size_t a = 0; a < op.arguments.size(); ++a) {
    char* const data = base == nullptr ? nullptr : static_cast<char*>(base) + layout.offsets[a];
    tensors.push_back(Tensor{data, op.arguments[a].dtype(table), op.arguments[a].shape});
  }
  return tensors;
}

// Memory of a device or of this machine's side of it, for as long as this object lives.
class Memory {
 public:
  static Status create(Device& device, size_t bytes, bool host, std::unique_ptr<Memory>* out) {
    std::unique_ptr<Memory> memory(new Memory(device, bytes, host));
    MR_RETURN_IF_ERROR(host ? device.allocate_host(bytes, &memory->data_) : device.allocate(bytes, &memory->data_));
    *out = std::move(memory);
    return ok();
  }
  ~Memory() {
    if (data_ == nullptr) return;
    if (host_) {
      device_.release_host(data_, bytes_);
    } else {
      device_.release(data_, bytes_);
    }
  }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  char* data() const { return static_cast<char*>(data_); }

 private:
  Memory(Device& device, size_t bytes, bool host) : device_(device), bytes_(bytes), host_(host) {}

  Device& device_;
  size_t bytes_;
  bool host_;
  void* data_ = nullptr;
};

inline Status planned_workspace(const OpCase& op, const OpTable& table, const Context& rank, const Layout& layout,
                                size_t* bytes) {
  Arena measuring;
  Context context = rank;
  context.scratch = &measuring;
  MR_RETURN_IF_ERROR(op.call(table, context, tensors_over(op, table.dtype, layout, nullptr)));
  *bytes = measuring.peak_bytes();
  return ok();
}

// What changed that should not have, in two images of the memory.
inline void compare_images(const OpCase& op, const std::vector<Tensor>& arguments, const char* before,
                           const char* after, size_t bytes, std::vector<std::string>* faults) {
  size_t at = 0;
  for (size_t a = 0; a < arguments.size(); ++a) {
    const size_t begin = static_cast<size_t>(arguments[a].as<char>() - after);
    const size_t size = arguments[a].size_bytes();
    if (std::memcmp(before + at, after + at, begin - at) != 0) {
      faults->push_back("a write between " + (a == 0 ? "the beginning" : op.arguments[a - 1].name) + " and " +
                        op.arguments[a].name);
    }
    if (op.arguments[a].role == Role::kIn && std::memcmp(before + begin, after + begin, size) != 0) {
      faults->push_back("input " + op.arguments[a].name + " changed");
    }
    at = begin + size;
  }
  if (std::memcmp(before + at, after + at, bytes - at) != 0) {
    faults->push_back("a write after " + op.arguments.back().name);
  }
}

}  // namespace device_case

// Runs the case on `table` from `before`, whose outputs are not a number (initial_values). An error is the op's; faults
// are what it did besides. `image`, if given, gets the bytes of all arguments afterwards, guards included.
inline Status run_on_device(const OpCase& op, const OpTable& table, DeviceRank& rank, const Values& before,
                            CaseResult* out, std::vector<char>* image = nullptr) {
  using device_case::Memory;
  Context& context = rank.context();
  Device& device = *context.device;
  const device_case::Layout layout = device_case::layout_of(op, table.dtype);
  size_t planned = 0;
  MR_RETURN_IF_ERROR(device_case::planned_workspace(op, table, context, layout, &planned));
  // With room besides, so that an op which takes more than it planned is named and not merely refused.
  constexpr size_t kRoom = size_t{1} << 20;
  std::unique_ptr<Arena> scratch;
  std::unique_ptr<Memory> memory, host;
  MR_RETURN_IF_ERROR(Arena::create(device, planned + kRoom, &scratch));
  MR_RETURN_IF_ERROR(Memory::create(device, layout.bytes, false, &memory));
  MR_RETURN_IF_ERROR(Memory::create(device, layout.bytes, true, &host));

  std::vector<char> start(layout.bytes, static_cast<char>(kGuard));
  const std::vector<Tensor> initial = device_case::tensors_over(op, table.dtype, layout, start.data());
  for (size_t a = 0; a < initial.size(); ++a) {
    for (size_t i = 0; i < before[a].size(); ++i) set(initial[a], static_cast<int64_t>(i), before[a][i]);
  }
  MR_RETURN_IF_ERROR(device.to_device(context, memory->data(), start.data(), layout.bytes));
  context.scratch = scratch.get();
  const Status called = op.call(table, context, device_case::tensors_over(op, table.dtype, layout, memory->data()));
  context.scratch = nullptr;
  MR_RETURN_IF_ERROR(called);
  MR_RETURN_IF_ERROR(device.to_host(context, host->data(), memory->data(), layout.bytes));
  MR_RETURN_IF_ERROR(device.wait(context));

  *out = CaseResult{};
  if (scratch->used_bytes() != 0) out->faults.push_back("scratch is not left as it was found");
  if (scratch->peak_bytes() != planned) {
    out->faults.push_back("a workspace of " + std::to_string(scratch->peak_bytes()) + " bytes where " +
                          std::to_string(planned) + " were planned");
  }
  const std::vector<Tensor> result = device_case::tensors_over(op, table.dtype, layout, host->data());
  device_case::compare_images(op, result, start.data(), host->data(), layout.bytes, &out->faults);
  for (size_t a = 0; a < result.size(); ++a) {
    std::vector<double>& values = out->after.emplace_back();
    for (size_t i = 0; i < before[a].size(); ++i) values.push_back(get(result[a], static_cast<int64_t>(i)));
  }
  if (image != nullptr) image->assign(host->data(), host->data() + layout.bytes);
  return ok();
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_GPU_DEVICE_CASE_H_
