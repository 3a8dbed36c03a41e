#include "train/results.h"

#include <string>

namespace millrace {

namespace {

// Asked after the wait: a group of threads is given its reason before its collectives are ended. To another process the
// reason travels as a message of its own, which is as good as always there before its GPU sees the end of a collective.
Status check_groups(const Place& place) {
  for (Communicator* group : place.groups()) {
    const Status reason = group->status();
    if (reason.ok()) continue;
    return Status(reason.code(), "rank " + std::to_string(place.rank) + " gave up its results: " + reason.message());
  }
  return ok();
}

}  // namespace

Status await_results(const Place& place, Context& context) {
  MR_RETURN_IF_ERROR(context.device->wait(context));
  return check_groups(place);
}

Status await_results(const Place& place, Device& device, const Event& event) {
  MR_RETURN_IF_ERROR(device.wait_for(event));
  return check_groups(place);
}

}  // namespace millrace
