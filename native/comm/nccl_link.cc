#include "comm/nccl_link.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

namespace millrace {

namespace {

using Clock = std::chrono::steady_clock;

// Between two questions: short at first, for a collective is taken up in microseconds.
constexpr std::chrono::microseconds kShortestPause{10};
constexpr std::chrono::microseconds kLongestPause{1000};

}  // namespace

Status NcclLink::make_id(const Nccl& nccl, ncclUniqueId* out) {
  return nccl_status(nccl, nccl.GetUniqueId(out), nullptr, "ncclGetUniqueId");
}

Status NcclLink::connect(const ncclUniqueId& id, int rank, int num_ranks, Heartbeat* heartbeat) {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  ncclResult_t result = ncclSuccess;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return failure("ncclCommInitRankConfig", ncclInvalidUsage);
    result = nccl_.CommInitRankConfig(&made_, num_ranks, id, rank, &config);
    comm_ = made_;
  }
  MR_RETURN_IF_ERROR(settle("ncclCommInitRankConfig", result, heartbeat));
  connected_ = true;
  return ok();
}

// What the communicator is at; ncclInvalidUsage when there is none, or none any more.
ncclResult_t NcclLink::state() {
  const std::lock_guard lock(mutex_);
  if (comm_ == nullptr) return ncclInvalidUsage;
  ncclResult_t state = ncclSuccess;
  const ncclResult_t asked = nccl_.CommGetAsyncError(comm_, &state);
  return asked == ncclSuccess ? state : asked;
}

Status NcclLink::settle(const char* name, ncclResult_t result, Heartbeat* heartbeat) {
  const Clock::time_point deadline = Clock::now() + patience_;
  std::chrono::microseconds pause = kShortestPause;
  // A call that went through at once may still have met an error of what was enqueued before.
  if (result == ncclSuccess) result = state();
  while (result == ncclInProgress) {
    if (Clock::now() > deadline) {
      return Status(MR_COMM, std::string("expected ") + name + " to be done within " +
                                 std::to_string(patience_.count()) + " ms on all ranks, it is not");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kLongestPause);
    if (heartbeat != nullptr) heartbeat->tick();
    result = state();
  }
  if (result == ncclSuccess) return ok();
  const std::lock_guard lock(mutex_);
  return failure(name, result);
}

Status NcclLink::failure(const char* name, ncclResult_t result) const {
  if (ended_) return Status(MR_COMM, std::string("the NCCL communicator was ended before ") + name);
  return nccl_status(nccl_, result, comm_, name);
}

Status NcclLink::check() {
  const std::lock_guard lock(mutex_);
  if (comm_ == nullptr) return ok();
  ncclResult_t state = ncclSuccess;
  const ncclResult_t asked = nccl_.CommGetAsyncError(comm_, &state);
  if (asked != ncclSuccess) state = asked;
  return state == ncclInProgress ? ok() : nccl_status(nccl_, state, comm_, "a collective under way");
}

void NcclLink::abort() {
  ncclComm_t comm = nullptr;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    std::swap(comm, comm_);
  }
  if (comm != nullptr) (void)nccl_.CommAbort(comm);
}

void NcclLink::begin_close() {
  const std::lock_guard lock(mutex_);
  if (comm_ == nullptr) return;
  const ncclResult_t result = nccl_.CommFinalize(comm_);
  closing_ = result == ncclSuccess || result == ncclInProgress;
}

void NcclLink::end_close() {
  if (!closing_ || !settle("ncclCommFinalize", ncclInProgress, nullptr).ok()) return abort();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  if (comm_ != nullptr) (void)nccl_.CommDestroy(comm_);  // null: aborted meanwhile
  comm_ = nullptr;
}

}  // namespace millrace
