// NcclLink: one rank's end of an NCCL communicator. No call of it blocks in the library: the communicator is made
// without blocking and asked until it is done, so that a rank that waits still gives signs of life, hears of errors and
// can be ended by any thread.
#ifndef MILLRACE_COMM_NCCL_LINK_H_
#define MILLRACE_COMM_NCCL_LINK_H_

#include <chrono>
#include <mutex>

#include "comm/nccl.h"
#include "core/heartbeat.h"

namespace millrace {

class NcclLink {
 public:
  // `patience` bounds how long the library may take to connect the ranks and to take up a collective. What has been
  // taken up has no bound: that is the business of whoever watches the heartbeats.
  NcclLink(const Nccl& nccl, std::chrono::milliseconds patience) : nccl_(nccl), patience_(patience) {}
  ~NcclLink() { abort(); }
  NcclLink(const NcclLink&) = delete;
  NcclLink& operator=(const NcclLink&) = delete;

  // The id that all ranks of a communicator connect with; made once, by one of them.
  static Status make_id(const Nccl& nccl, ncclUniqueId* out);

  // Joins the other ranks, on the calling thread's GPU. All call it with the same id; returns when all have.
  Status connect(const ncclUniqueId& id, int rank, int num_ranks, Heartbeat* heartbeat);
  bool connected() const { return connected_; }

  // `call` enqueues one collective: ncclResult_t(ncclComm_t). Returns when it stands in the stream.
  template <class Enqueue>
  Status enqueue(const char* name, Heartbeat* heartbeat, const Enqueue& call) {
    ncclResult_t result = ncclSuccess;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return failure(name, ncclInvalidUsage);
      result = call(comm_);
    }
    return settle(name, result, heartbeat);
  }

  // An error that came up since, on this rank or in its connections; ok() when there is none, or no communicator. Any
  // thread.
  Status check();
  // Ends what is enqueued, on the device too. Idempotent, any thread.
  void abort();

  // The end of a group whose work is done, in two rounds over all of its links: the library waits for all ranks of a
  // machine before it lets go of any.
  void begin_close();
  void end_close();

 private:
  // Under the mutex.
  Status failure(const char* name, ncclResult_t result) const;
  ncclResult_t state();
  Status settle(const char* name, ncclResult_t result, Heartbeat* heartbeat);

  const Nccl& nccl_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // held for calls of the library that return at once: abort() takes the communicator away
  ncclComm_t comm_ = nullptr;
  ncclComm_t made_ = nullptr;  // the library writes it, again when its own thread has connected, so it is not comm_
  bool connected_ = false;     // the rank's own thread alone reads and writes it
  bool ended_ = false;
  bool closing_ = false;
};

}  // namespace millrace

#endif  // MILLRACE_COMM_NCCL_LINK_H_
