// Groups of processes for the laws of communicators: the first `num_ranks` of those that run the test.
#ifndef MILLRACE_TEST_LAUNCHED_GROUPS_H_
#define MILLRACE_TEST_LAUNCHED_GROUPS_H_

#include <functional>
#include <memory>
#include <vector>

#include "communicator_suite.h"
#include "launched_main.h"

namespace millrace::testing {

using Members = std::vector<int>;

// `join` makes this process's end of a group.
inline CommunicatorKind launched_kind(
    const std::function<Status(const Members&, std::unique_ptr<Communicator>*)>& join) {
  CommunicatorKind kind;
  kind.name = "Processes";
  kind.create = [join](int num_ranks, Communicators* out) -> Status {
    out->clear();
    out->resize(static_cast<size_t>(num_ranks));
    Members members;
    for (int rank = 0; rank < num_ranks; ++rank) members.push_back(rank);
    if (world->rank() < num_ranks) return join(members, &(*out)[static_cast<size_t>(world->rank())]);
    world->next_group();  // all number their groups alike
    return ok();
  };
  kind.most_ranks = world->num_ranks();
  kind.in_one_process = false;
  return kind;
}

}  // namespace millrace::testing

#endif  // MILLRACE_TEST_LAUNCHED_GROUPS_H_
