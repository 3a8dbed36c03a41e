// Backends by name: their op tables and the devices of their ranks. The one place of this folder that knows which
// backends there are.
#ifndef MILLRACE_API_BACKEND_H_
#define MILLRACE_API_BACKEND_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "comm/communicator.h"
#include "core/device.h"
#include "core/ops.h"

namespace millrace {

// Why this build or this machine cannot run `name`; empty when it can.
std::string backend_reason(std::string_view name);

// MR_NO_DEVICE when this build has no such backend. A table for GPUs is found without one, for it can plan.
Status find_backend(std::string_view name, DType dtype, const OpTable** out);

// The device of rank `rank` of `world` in this process, on the calling thread, which is the rank's: GPU rank % count.
Status open_device(const OpTable& ops, int rank, int world, std::shared_ptr<Device>* out);

// The communicators of those ranks of this process, whose devices open_device() opens. `bits_of_the_tree`: sums must
// have the bits that comm/reduce.h says, whatever joins the GPUs.
Status create_group(const OpTable& ops, const std::vector<int>& ranks, bool bits_of_the_tree,
                    std::vector<std::unique_ptr<Communicator>>* out);

}  // namespace millrace

#endif  // MILLRACE_API_BACKEND_H_
