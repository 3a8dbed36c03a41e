// Ranks as processes for JavaScript: joining the others, hearing what the first of them says, leaving.
#include "millrace/processes.h"

#include <napi.h>

#include <memory>
#include <string>

#include "addon/registration.h"
#include "addon/trainer_call.h"

namespace millrace::addon {

namespace {

void check(Napi::Env env, mr_code code) {
  if (code != MR_OK) throw error_of(env, code, mr_last_error());
}

// processesReason(): string
Napi::Value processes_reason(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), mr_processes_reason());
}

// joinProcesses(): Promise<ProcessPlace>
Napi::Value join_processes(const Napi::CallbackInfo& info) {
  const auto process = std::make_shared<mr_process>();
  return TrainerCall::start(
      info.Env(), {}, {}, [process] { return mr_processes_join(process.get()); },
      [process](Napi::Env env) {
        Napi::Object place = Napi::Object::New(env);
        place.Set("rank", process->rank);
        place.Set("numRanks", process->num_ranks);
        place.Set("localRank", process->local_rank);
        place.Set("numLocalRanks", process->num_local_ranks);
        return place;
      });
}

// tellProcesses(text: string): Promise<string>
Napi::Value tell_processes(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsString()) {
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, "expected a string for text, got something else");
  }
  const auto told = std::make_shared<std::string>(info[0].As<Napi::String>().Utf8Value());
  return TrainerCall::start(
      info.Env(), {}, {},
      [told] {
        const char* text = nullptr;
        size_t bytes = 0;
        const mr_code code = mr_processes_tell(told->data(), told->size(), &text, &bytes);
        if (code == MR_OK) told->assign(text, bytes);
        return code;
      },
      [told](Napi::Env env) { return Napi::String::New(env, *told); });
}

// leaveProcesses(finished: boolean): void
Napi::Value leave_processes(const Napi::CallbackInfo& info) {
  if (info.Length() < 1 || !info[0].IsBoolean()) {
    throw error_of(info.Env(), MR_INVALID_ARGUMENT, "expected true or false for finished, got something else");
  }
  check(info.Env(), mr_processes_leave(info[0].As<Napi::Boolean>().Value() ? 1 : 0));
  return info.Env().Undefined();
}

}  // namespace

void register_processes(Napi::Env env, Napi::Object exports) {
  exports.Set("processesReason", Napi::Function::New(env, processes_reason, "processesReason"));
  exports.Set("joinProcesses", Napi::Function::New(env, join_processes, "joinProcesses"));
  exports.Set("tellProcesses", Napi::Function::New(env, tell_processes, "tellProcesses"));
  exports.Set("leaveProcesses", Napi::Function::New(env, leave_processes, "leaveProcesses"));
}

}  // namespace millrace::addon
