// A device of the reference backend whose memory is far away and whose work is late: what a GPU is to the code above
// the ops. Addresses that it hands out are nobody's, so that whoever touches a tensor outside an op crashes; and what
// was enqueued waits in a queue until somebody waits for it, so that whoever looks too early sees what was before.
// `run_soon` is the other extreme: everything runs as soon as it is enqueued, and the host is a step ahead all the
// same.
#ifndef MILLRACE_TEST_FAR_DEVICE_H_
#define MILLRACE_TEST_FAR_DEVICE_H_

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "comm/communicator.h"
#include "core/backend.h"
#include "core/device.h"

namespace millrace::testing {

// Above what a process of 47 bits has, below the half that is the kernel's.
inline constexpr uintptr_t kFar = uintptr_t{1} << 55;

template <class T>
T* moved(T* pointer, intptr_t by) {
  if (pointer == nullptr) return nullptr;
  return reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(pointer) + static_cast<uintptr_t>(by));
}

// What an op is given, as it is when its turn comes.
inline Tensor near(Tensor tensor) {
  tensor.data = moved(tensor.data, -static_cast<intptr_t>(kFar));
  return tensor;
}
inline Dropout near(Dropout dropout) {
  dropout.sample = moved(dropout.sample, -static_cast<intptr_t>(kFar));
  dropout.step = moved(dropout.step, -static_cast<intptr_t>(kFar));
  return dropout;
}
template <class Other>
Other near(Other other) {
  return other;
}

class FarDevice : public Device {
 public:
  explicit FarDevice(bool run_soon = false) : run_soon_(run_soon) {}

  Stream* stream() override { return nullptr; }
  Status allocate(size_t bytes, void** out) override {
    MR_RETURN_IF_ERROR(host_device().allocate(bytes, out));
    *out = moved(*out, static_cast<intptr_t>(kFar));
    return ok();
  }
  void release(void* memory, size_t bytes) override {
    host_device().release(moved(memory, -static_cast<intptr_t>(kFar)), bytes);
  }
  Status allocate_host(size_t bytes, void** out) override { return host_device().allocate_host(bytes, out); }
  void release_host(void* memory, size_t bytes) override { host_device().release_host(memory, bytes); }

  Status to_device(Context&, void* to, const void* from, size_t bytes) override {
    std::vector<char> copy(static_cast<const char*>(from), static_cast<const char*>(from) + bytes);
    return enqueue([to = moved(to, -static_cast<intptr_t>(kFar)), copy = std::move(copy)] {
      std::memcpy(to, copy.data(), copy.size());
      return ok();
    });
  }
  Status to_host(Context&, void* to, const void* from, size_t bytes) override {
    return enqueue([to, from = moved(from, -static_cast<intptr_t>(kFar)), bytes] {
      std::memcpy(to, from, bytes);
      return ok();
    });
  }
  Status wait(Context&) override { return run_until(num_enqueued_); }
  Status mark(Context&, Event* out) override {
    // The number of what was enqueued before, which is never 0.
    out->handle = reinterpret_cast<void*>(num_enqueued_);
    return ok();
  }
  Status wait_for(const Event& event) override { return run_until(reinterpret_cast<uintptr_t>(event.handle)); }

  // As a graph would: the first call runs, the second is recorded, later ones run the record.
  Status replay(Context&, uint64_t key, const std::function<Status()>& work) override {
    Recording& known = recordings_[key];
    if (known.calls++ == 0) return work();
    if (known.calls == 2) {
      recording_ = &known.work;
      const Status status = work();
      recording_ = nullptr;
      MR_RETURN_IF_ERROR(status);
    }
    ++num_replays_;
    for (const std::function<Status()>& each : known.work) MR_RETURN_IF_ERROR(enqueue(each));
    return ok();
  }
  int steps_ahead() const override { return 1; }

  Status enqueue(std::function<Status()> work) {
    if (recording_ != nullptr) {
      recording_->push_back(std::move(work));
      return ok();
    }
    queue_.push_back(std::move(work));
    ++num_enqueued_;
    return run_soon_ ? run_until(num_enqueued_) : ok();
  }
  size_t num_waiting() const { return queue_.size(); }
  int num_replays() const { return num_replays_; }

 private:
  struct Recording {
    int calls = 0;
    std::vector<std::function<Status()>> work;
  };

  Status run_until(uint64_t number) {
    for (; num_done_ < number; ++num_done_) {
      const std::function<Status()> work = std::move(queue_.front());
      queue_.pop_front();
      if (failure_.ok()) failure_ = work();
    }
    return failure_;
  }

  const bool run_soon_;
  std::deque<std::function<Status()>> queue_;
  std::vector<std::function<Status()>>* recording_ = nullptr;
  std::map<uint64_t, Recording> recordings_;
  uint64_t num_enqueued_ = 0;
  uint64_t num_done_ = 0;
  int num_replays_ = 0;
  Status failure_;
};

// Workspace that an op takes is counted on the rank's arena when it is enqueued. The arena's memory is far, so an op
// that runs is given some of this machine's.
template <DType kType, auto kOp, class... Arguments>
Status far_op(Context& context, Arguments... arguments) {
  const auto op = reference_backend(kType)->*kOp;
  Arena measuring;
  Context planning = context;
  planning.scratch = &measuring;
  MR_RETURN_IF_ERROR(op(planning, arguments...));
  const size_t mark = context.scratch->mark();
  Tensor counted;
  const int64_t words = static_cast<int64_t>((measuring.peak_bytes() + 3) / 4);
  if (words > 0) MR_RETURN_IF_ERROR(context.scratch->alloc(DType::kI32, Shape(words), &counted));
  context.scratch->release(mark);
  if (context.scratch->measuring()) return ok();
  auto run = [op, now = context, bytes = measuring.peak_bytes(),
              kept = std::tuple<std::decay_t<Arguments>...>(arguments...)]() mutable -> Status {
    std::unique_ptr<Arena> workspace;
    MR_RETURN_IF_ERROR(Arena::create(host_device(), bytes, &workspace));
    now.scratch = workspace.get();
    return std::apply([&](const auto&... each) { return op(now, near(each)...); }, kept);
  };
  return static_cast<FarDevice*>(context.device)->enqueue(std::move(run));
}

template <DType kType, auto kOp, class... Arguments>
void set_far_op(OpTable& table, Status (*OpTable::*)(Context&, Arguments...)) {
  table.*kOp = far_op<kType, kOp, Arguments...>;
}

// The reference's ops over a FarDevice.
template <DType kType>
OpTable far_table() {
  OpTable table = *reference_backend(kType);
#define MR_FAR(op) set_far_op<kType, &OpTable::op>(table, &OpTable::op)
  MR_FAR(linear_forward);
  MR_FAR(linear_gelu_forward);
  MR_FAR(gelu_forward);
  MR_FAR(linear_backward_input);
  MR_FAR(linear_gelu_backward_input);
  MR_FAR(linear_backward_weight);
  MR_FAR(layernorm_forward);
  MR_FAR(layernorm_backward);
  MR_FAR(residual_layernorm_forward);
  MR_FAR(bias_dropout_backward);
  MR_FAR(attention_forward);
  MR_FAR(attention_backward);
  MR_FAR(embedding_forward);
  MR_FAR(position_forward);
  MR_FAR(position_backward);
  MR_FAR(embedding_backward);
  MR_FAR(cross_entropy_max);
  MR_FAR(cross_entropy_sum);
  MR_FAR(cross_entropy_loss);
  MR_FAR(cross_entropy_backward);
  MR_FAR(fill);
  MR_FAR(add);
  MR_FAR(maximum);
  MR_FAR(scale);
  MR_FAR(sum);
  MR_FAR(sum_squares);
  MR_FAR(count_non_finite);
  MR_FAR(cast);
  MR_FAR(begin_step);
  MR_FAR(decide_step);
  MR_FAR(adamw);
#undef MR_FAR
  return table;
}

// A communicator's collectives, in their turn.
class FarCommunicator : public Communicator {
 public:
  // `inner` is borrowed.
  explicit FarCommunicator(Communicator* inner) : inner_(inner) {}

  int rank() const override { return inner_->rank(); }
  int num_ranks() const override { return inner_->num_ranks(); }
  Status all_reduce(Context& context, Tensor buffer, ReduceOp op, const char* operation, Event*) override {
    return enqueue(context, operation, [inner = inner_, buffer = near(buffer), op](Context& now, const char* name) {
      return inner->all_reduce(now, buffer, op, name);
    });
  }
  Status all_gather(Context& context, Tensor out, Tensor buffer, const char* operation, Event*) override {
    return enqueue(context, operation,
                   [inner = inner_, out = near(out), buffer = near(buffer)](Context& now, const char* name) {
                     return inner->all_gather(now, out, buffer, name);
                   });
  }
  Status reduce_scatter(Context& context, Tensor out, Tensor buffer, const char* operation, Event*) override {
    return enqueue(context, operation,
                   [inner = inner_, out = near(out), buffer = near(buffer)](Context& now, const char* name) {
                     return inner->reduce_scatter(now, out, buffer, name);
                   });
  }
  Status broadcast(Context& context, Tensor buffer, int root, const char* operation, Event*) override {
    return enqueue(context, operation, [inner = inner_, buffer = near(buffer), root](Context& now, const char* name) {
      return inner->broadcast(now, buffer, root, name);
    });
  }
  Status barrier(Context& context, const char* operation) override {
    return enqueue(context, operation,
                   [inner = inner_](Context& now, const char* name) { return inner->barrier(now, name); });
  }
  void abort(const Status& reason) override { inner_->abort(reason); }
  Status status() override { return inner_->status(); }
  uint64_t num_collectives() const override { return inner_->num_collectives(); }

 private:
  template <class Work>
  static Status enqueue(Context& context, const char* operation, Work work) {
    auto run = [work, now = context, name = std::string(operation)]() mutable { return work(now, name.c_str()); };
    return static_cast<FarDevice*>(context.device)->enqueue(std::move(run));
  }

  Communicator* inner_;
};

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_FAR_DEVICE_H_
