// CallGroup: what the ranks of a group know of each other's calls: they publish them, meet, and part; or the group is
// poisoned, and nobody waits for ever. SlotGroup is that for ranks as threads of one process.
#ifndef MILLRACE_COMM_CALL_GROUP_H_
#define MILLRACE_COMM_CALL_GROUP_H_

#include <vector>

#include "comm/call.h"
#include "comm/rendezvous.h"

namespace millrace {

class CallGroup {
 public:
  virtual ~CallGroup() = default;

  virtual int num_ranks() const = 0;
  // Publishes the rank's call and waits for those of all; false when the group was poisoned before the last came.
  virtual bool meet(int rank, const Call& call) = 0;
  // A rank's call, between meeting and parting. Pointers of another process's call are null.
  virtual const Call& call_of(int rank) const = 0;
  virtual void part() = 0;

  // The first reason stays. Any thread.
  virtual void poison(const Status& reason) = 0;
  virtual bool poisoned() = 0;
  virtual Status reason() = 0;
};

class SlotGroup : public CallGroup {
 public:
  explicit SlotGroup(int size) : slots_(static_cast<size_t>(size)), rendezvous_(size) {}

  int num_ranks() const final { return static_cast<int>(slots_.size()); }
  bool meet(int rank, const Call& call) final {
    slots_[static_cast<size_t>(rank)].call = call;
    return rendezvous_.meet();
  }
  const Call& call_of(int rank) const final { return slots_[static_cast<size_t>(rank)].call; }
  void part() final { rendezvous_.part(); }
  void poison(const Status& reason) final { rendezvous_.poison(reason); }
  bool poisoned() final { return rendezvous_.poisoned(); }
  Status reason() final { return rendezvous_.reason(); }

 private:
  struct alignas(64) Slot {
    Call call;
  };
  std::vector<Slot> slots_;
  Rendezvous rendezvous_;
};

}  // namespace millrace

#endif  // MILLRACE_COMM_CALL_GROUP_H_
