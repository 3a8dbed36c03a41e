#include "comm/mpi_world.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

namespace millrace {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;
using std::chrono::milliseconds;

// Looks for messages while there is nothing to do: often at first, since the library may still have to move what was
// handed to it, then seldom.
constexpr microseconds kShortestPause{100};
constexpr microseconds kLongestPause{20'000};
// Of waiting for a peer: spinning bridges the gap between two ops, yielding a short one, then it sleeps.
constexpr int kSpins = 2000, kSpinsCrowded = 20, kYields = 2000;
constexpr microseconds kNap{50};
constexpr int kPollsALook = 32;
// A transfer that both sides have begun ends in microseconds; a peer that has given up never begins it.
constexpr milliseconds kDrainReceives{2000}, kDrainSends{100};
constexpr int kLetterTag = 0;

Status mpi_status(int code, const char* call) {
  if (code == MPI_SUCCESS) return ok();
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(code, text, &length);
  return Status(MR_COMM, std::string("MPI: ") + call + " failed: " + text);
}

#define MR_MPI(call) MR_RETURN_IF_ERROR(mpi_status(call, #call))

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield" ::: "memory");
#endif
}

}  // namespace

Status MpiWorld::join(MpiWorld** out) {
  // Never freed: its thread may not be joined by what runs when a process ends.
  static MpiWorld* const world = new MpiWorld();
  static const Status started = world->start();
  MR_RETURN_IF_ERROR(started);
  const std::lock_guard lock(world->mutex_);
  if (world->gone_) return Status(MR_COMM, "expected to join the other processes once, got a call after leaving them");
  *out = world;
  return ok();
}

Status MpiWorld::start() {
  thread_ = std::thread([this] { serve(); });
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_; });
  done_ = false;
  return result_;
}

Status MpiWorld::initialize() {
  int provided = MPI_THREAD_SINGLE;
  MR_MPI(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided));
  if (provided < MPI_THREAD_FUNNELED)
    return Status(MR_COMM, "expected an MPI library that allows threads, got another");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MR_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &data_));
  MR_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &letters_));
  MR_MPI(MPI_Comm_rank(data_, &rank_));
  MR_MPI(MPI_Comm_size(data_, &num_ranks_));
  MPI_Comm local = MPI_COMM_NULL;
  MR_MPI(MPI_Comm_split_type(data_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &local));
  MR_MPI(MPI_Comm_rank(local, &local_rank_));
  MR_MPI(MPI_Comm_size(local, &num_local_ranks_));
  MR_MPI(MPI_Comm_free(&local));
  crowded_ = num_local_ranks_ > static_cast<int>(std::thread::hardware_concurrency());
  return ok();
}

void MpiWorld::serve() {
  const Status initialized = initialize();
  {
    const std::lock_guard lock(mutex_);
    result_ = initialized;
    done_ = true;
    gone_ = !initialized.ok();
  }
  changed_.notify_all();
  if (!initialized.ok()) return;
  microseconds pause = kShortestPause;
  for (;;) {
    const bool worked = take_job(pause);
    handle_letters();  // the last ones, too
    if (worked) {
      pause = kShortestPause;
      continue;
    }
    pause = std::min(pause * 2, kLongestPause);
    const std::lock_guard lock(mutex_);
    if (leaving_) break;
  }
  if (finished_ && !silent_) MPI_Finalize();
}

// Waits for work so long, and does it. False when none came.
bool MpiWorld::take_job(microseconds pause) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, pause, [this] { return (work_ != nullptr && !done_) || leaving_ || !outbox_.empty(); });
  if (work_ == nullptr || done_) return false;
  const std::function<Status()>& work = *work_;
  lock.unlock();
  const Status result =
      silent_ ? Status(MR_COMM, "MPI is not called any more: a transfer with another process did not end") : work();
  lock.lock();
  result_ = result;
  done_ = true;
  lock.unlock();
  changed_.notify_all();
  return true;
}

Status MpiWorld::run(const std::function<Status()>& work) {
  const std::lock_guard caller(callers_);
  std::unique_lock lock(mutex_);
  if (gone_) return Status(MR_COMM, "expected no call after leaving the other processes, got one");
  work_ = &work;
  done_ = false;
  changed_.notify_all();
  changed_.wait(lock, [this] { return done_; });
  work_ = nullptr;
  done_ = false;
  return result_;
}

Status MpiWorld::leave(bool finished) {
  const std::lock_guard caller(callers_);
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return ok();
    gone_ = leaving_ = true;
    finished_ = finished;
  }
  changed_.notify_all();
  thread_.join();
  return ok();
}

Status MpiWorld::exchange(int group, int tag, const std::vector<MpiTransfer>& sends,
                          const std::vector<MpiTransfer>& receives) {
  MR_RETURN_IF_ERROR(reason(group));
  std::vector<MPI_Request> requests;
  requests.reserve(sends.size() + receives.size());
  Status status;
  const auto begin = [&](const MpiTransfer& transfer, bool receive) {
    if (!status.ok() || transfer.bytes == 0) return;
    MPI_Request request = MPI_REQUEST_NULL;
    const int bytes = static_cast<int>(transfer.bytes);
    status =
        receive
            ? mpi_status(MPI_Irecv(transfer.data, bytes, MPI_BYTE, transfer.peer, tag, data_, &request), "MPI_Irecv")
            : mpi_status(MPI_Isend(transfer.data, bytes, MPI_BYTE, transfer.peer, tag, data_, &request), "MPI_Isend");
    if (status.ok()) requests.push_back(request);
  };
  for (const MpiTransfer& transfer : receives) begin(transfer, true);
  const size_t num_receives = requests.size();
  for (const MpiTransfer& transfer : sends) begin(transfer, false);
  if (status.ok()) return wait_for(requests, num_receives, group);
  give_up(requests, num_receives);
  return status;
}

bool MpiWorld::test_all(std::vector<MPI_Request>& requests, Status* status) {
  int done = 0;
  *status = mpi_status(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE),
                       "a transfer");
  return done != 0;
}

Status MpiWorld::wait_for(std::vector<MPI_Request>& requests, size_t num_receives, int group) {
  const int spins = crowded_ ? kSpinsCrowded : kSpins;
  for (int polls = 0;; ++polls) {
    Status status;
    if (test_all(requests, &status)) return status;
    if (polls % kPollsALook == 0 || polls > spins) handle_letters();
    if (status.ok()) status = reason(group);
    if (!status.ok()) {
      give_up(requests, num_receives);
      return status;
    }
    if (polls < spins) {
      relax();
    } else if (polls < spins + kYields) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(kNap);
    }
  }
}

// The receives come first. One that no send has met ends at once; one that has is waited for, since its bytes go to the
// caller's memory. A send that nobody has met reads nothing.
void MpiWorld::give_up(std::vector<MPI_Request>& requests, size_t num_receives) {
  const auto drain = [this](MPI_Request* first, size_t count, milliseconds patience) {
    const Clock::time_point deadline = Clock::now() + patience;
    std::vector<MPI_Request> part(first, first + count);
    Status ignored;
    bool done = test_all(part, &ignored);
    while (!done && ignored.ok() && Clock::now() < deadline) {
      std::this_thread::sleep_for(kNap);
      handle_letters();
      done = test_all(part, &ignored);
    }
    std::copy(part.begin(), part.end(), first);
    return done;
  };
  for (size_t i = 0; i < num_receives; ++i) {
    if (requests[i] != MPI_REQUEST_NULL) MPI_Cancel(&requests[i]);
  }
  silent_ = !drain(requests.data(), num_receives, kDrainReceives) || silent_;
  (void)drain(requests.data() + num_receives, requests.size() - num_receives, kDrainSends);
  for (size_t i = num_receives; i < requests.size(); ++i) {
    if (requests[i] != MPI_REQUEST_NULL) MPI_Request_free(&requests[i]);
  }
}

void MpiWorld::handle_letters() {
  if (silent_) return;
  for (;;) {
    Letter letter;
    {
      const std::lock_guard lock(mutex_);
      if (outbox_.empty()) break;
      letter = outbox_.front();
      outbox_.pop_front();
    }
    sent_.push_back(letter);
    MPI_Request request = MPI_REQUEST_NULL;
    // Who cannot be told is gone, and the launcher knows.
    if (MPI_Isend(&sent_.back().poison, sizeof(Poison), MPI_BYTE, letter.peer, kLetterTag, letters_, &request) ==
        MPI_SUCCESS) {
      MPI_Request_free(&request);
    }
  }
  for (;;) {
    int found = 0;
    MPI_Status from;
    if (MPI_Iprobe(MPI_ANY_SOURCE, kLetterTag, letters_, &found, &from) != MPI_SUCCESS || found == 0) return;
    Poison poison{};
    if (MPI_Recv(&poison, sizeof(poison), MPI_BYTE, from.MPI_SOURCE, kLetterTag, letters_, MPI_STATUS_IGNORE) !=
        MPI_SUCCESS) {
      return;
    }
    note_poison(poison.group, Status(static_cast<mr_code>(poison.code), poison.text));
  }
}

void MpiWorld::note_poison(int group, const Status& reason) {
  const std::lock_guard lock(mutex_);
  poisons_.emplace(group, reason);
  any_poison_ = true;
}

void MpiWorld::poison(int group, const std::vector<int>& members, const Status& reason) {
  Poison poison{group, reason.code(), ""};
  std::snprintf(poison.text, sizeof(poison.text), "%s", reason.message().c_str());
  {
    const std::lock_guard lock(mutex_);
    if (!poisons_.emplace(group, reason).second) return;
    any_poison_ = true;
    for (const int member : members) {
      if (member != rank_) outbox_.push_back(Letter{member, poison});
    }
  }
  changed_.notify_all();
}

Status MpiWorld::reason(int group) {
  if (!any_poison_) return ok();
  const std::lock_guard lock(mutex_);
  const auto found = poisons_.find(group);
  return found == poisons_.end() ? ok() : found->second;
}

}  // namespace millrace
