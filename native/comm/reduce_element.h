// How two values become one, on the host and on a GPU: the same bits on both.
#ifndef MILLRACE_COMM_REDUCE_ELEMENT_H_
#define MILLRACE_COMM_REDUCE_ELEMENT_H_

#include <type_traits>

#include "comm/communicator.h"
#include "core/half.h"
#include "core/host_device.h"

namespace millrace {

// What elements of type T are added up in: f32 for the 16-bit formats, which are rounded once, and otherwise T itself.
template <class T>
using WideElement = std::conditional_t<std::is_same_v<T, BFloat16> || std::is_same_v<T, Float16>, float, T>;

template <ReduceOp op, class T>
MR_HOST_DEVICE T combined(T left, T right) {
  if constexpr (op == ReduceOp::kSum) return left + right;
  return right > left || right != right ? right : left;  // a value that is not a number wins, as it does in a sum
}

}  // namespace millrace

#endif  // MILLRACE_COMM_REDUCE_ELEMENT_H_
