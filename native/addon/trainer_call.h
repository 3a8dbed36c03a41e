// The handles of trainers and snapshots as JavaScript holds them, and one call of them off the event loop.
#ifndef MILLRACE_ADDON_TRAINER_CALL_H_
#define MILLRACE_ADDON_TRAINER_CALL_H_

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "addon/registration.h"
#include "millrace/checkpoint.h"

namespace millrace::addon {

// Shared by an object's methods and by a call in progress, so that collecting the object in the midst of a call, or
// ending the environment, frees what it holds only when the call has ended.
struct Handle {
  bool busy = false;  // a call is in progress; touched on the event loop alone
};

struct TrainerHandle : Handle {
  mr_trainer* trainer = nullptr;
  int64_t global_batch = 0;
  int64_t sequence_length = 0;
  int64_t vocab_size = 0;
  Napi::Reference<Napi::Value> status_page;  // ranks write to it as long as they live

  ~TrainerHandle() { mr_trainer_destroy(trainer); }
};
using SharedHandle = std::shared_ptr<TrainerHandle>;

// Its memory is its own: the trainer may be busy, or gone, while it is written.
struct SnapshotHandle : Handle {
  mr_snapshot* snapshot = nullptr;

  ~SnapshotHandle() { mr_snapshot_destroy(snapshot); }
};

// The trainer, ready for a call; throws when it is destroyed or busy.
mr_trainer* ready(Napi::Env env, const SharedHandle& handle);

// Allocates on the ranks' threads; the promise gives the snapshot's object. In checkpoint.cc.
Napi::Value create_snapshot(const Napi::CallbackInfo& info, const SharedHandle& handle);

// Runs `work` on a worker thread; the promise settles on the event loop with `result` or with the C API's error.
class TrainerCall : public Napi::AsyncWorker {
 public:
  using Work = std::function<mr_code()>;
  using Result = std::function<Napi::Value(Napi::Env)>;

  // `held` stay referenced until the promise has settled. The handles are busy until then.
  static Napi::Value start(Napi::Env env, std::vector<std::shared_ptr<Handle>> handles,
                           const std::vector<Napi::Value>& held, Work work, Result result) {
    TrainerCall* call = new TrainerCall(env, std::move(handles), std::move(work), std::move(result));
    for (const Napi::Value& value : held) call->held_.push_back(Napi::Persistent(value.As<Napi::Object>()));
    const Napi::Promise promise = call->deferred_.Promise();
    for (const auto& handle : call->handles_) handle->busy = true;
    call->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    code_ = work_();
    // The message belongs to this thread, so it is taken along.
    if (code_ != MR_OK) SetError(mr_last_error());
  }
  void OnOK() override {
    settle([this] { deferred_.Resolve(result_(Env())); });
  }
  void OnError(const Napi::Error& error) override {
    settle([&] { deferred_.Reject(error_of(Env(), code_, error.Message().c_str()).Value()); });
  }

 private:
  TrainerCall(Napi::Env env, std::vector<std::shared_ptr<Handle>> handles, Work work, Result result)
      : AsyncWorker(env, "millrace.trainer"),
        deferred_(env),
        handles_(std::move(handles)),
        work_(std::move(work)),
        result_(std::move(result)) {}

  template <class Settle>
  void settle(Settle body) {
    for (const auto& handle : handles_) handle->busy = false;
    try {
      body();
    } catch (const Napi::Error&) {
      // The environment is ending (a worker was terminated): no JavaScript can run, and nobody waits for the promise.
    }
  }

  Napi::Promise::Deferred deferred_;
  std::vector<std::shared_ptr<Handle>> handles_;
  Work work_;
  Result result_;
  std::vector<Napi::ObjectReference> held_;
  mr_code code_ = MR_OK;
};

}  // namespace millrace::addon

#endif  // MILLRACE_ADDON_TRAINER_CALL_H_
