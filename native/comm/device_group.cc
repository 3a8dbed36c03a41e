#include "comm/device_group.h"

#include <set>
#include <string>

#include "comm/device_comm.h"
#include "comm/nccl_comm.h"

namespace millrace {

Status create_device_group(const std::vector<int>& gpus, bool bits_of_the_tree,
                           std::vector<std::unique_ptr<Communicator>>* communicators) {
  bool reachable = false;
  MR_RETURN_IF_ERROR(have_peer_access(gpus, &reachable));
  if (reachable) return create_peer_group(gpus, DeviceOrder{}, communicators);

  const size_t num_gpus = std::set<int>(gpus.begin(), gpus.end()).size();
  if (num_gpus != gpus.size()) {
    return Status(MR_NO_DEVICE,
                  "expected one rank on each GPU, for these GPUs do not reach each other's memory and NCCL"
                  " connects no two ranks on one, got " +
                      std::to_string(gpus.size()) + " ranks on " + std::to_string(num_gpus) + " GPUs");
  }
  return create_nccl_group(static_cast<int>(gpus.size()), bits_of_the_tree, NcclLimits{}, communicators);
}

}  // namespace millrace
