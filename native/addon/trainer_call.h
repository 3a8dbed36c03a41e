// The trainer's handle as JavaScript holds it, and one call of it off the event loop.
#ifndef MILLRACE_ADDON_TRAINER_CALL_H_
#define MILLRACE_ADDON_TRAINER_CALL_H_

#include <napi.h>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "addon/registration.h"
#include "millrace/trainer.h"

namespace millrace::addon {

// Shared by the object's methods and by a call in progress, so that collecting the object in the midst of a call, or
// ending the environment, frees the trainer only when the call has ended.
struct TrainerHandle {
  mr_trainer* trainer = nullptr;
  bool busy = false;  // a call is in progress; touched on the event loop alone
  int64_t global_batch = 0;
  int64_t sequence_length = 0;
  int64_t vocab_size = 0;
  Napi::Reference<Napi::Value> status_page;  // ranks write to it as long as they live

  ~TrainerHandle() { mr_trainer_destroy(trainer); }
};
using SharedHandle = std::shared_ptr<TrainerHandle>;

// Runs `work` on a worker thread; the promise settles on the event loop with `result` or with the C API's error.
class TrainerCall : public Napi::AsyncWorker {
 public:
  using Work = std::function<mr_code()>;
  using Result = std::function<Napi::Value(Napi::Env)>;

  // `held` stay referenced until the promise has settled. The handle is busy until then.
  static Napi::Value start(Napi::Env env, const SharedHandle& handle, const std::vector<Napi::Value>& held, Work work,
                           Result result) {
    TrainerCall* call = new TrainerCall(env, handle, std::move(work), std::move(result));
    for (const Napi::Value& value : held) call->held_.push_back(Napi::Persistent(value.As<Napi::Object>()));
    const Napi::Promise promise = call->deferred_.Promise();
    handle->busy = true;
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
  TrainerCall(Napi::Env env, SharedHandle handle, Work work, Result result)
      : AsyncWorker(env, "millrace.trainer"),
        deferred_(env),
        handle_(std::move(handle)),
        work_(std::move(work)),
        result_(std::move(result)) {}

  template <class Settle>
  void settle(Settle body) {
    handle_->busy = false;
    try {
      body();
    } catch (const Napi::Error&) {
      // The environment is ending (a worker was terminated): no JavaScript can run, and nobody waits for the promise.
    }
  }

  Napi::Promise::Deferred deferred_;
  SharedHandle handle_;
  Work work_;
  Result result_;
  std::vector<Napi::ObjectReference> held_;
  mr_code code_ = MR_OK;
};

}  // namespace millrace::addon

#endif  // MILLRACE_ADDON_TRAINER_CALL_H_
