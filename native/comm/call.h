// Call: what a rank asks of its group. Every rank publishes its call before a collective begins, so that all see
// whether they agree, and say so in the same words.
#ifndef MILLRACE_COMM_CALL_H_
#define MILLRACE_COMM_CALL_H_

#include <cstdint>
#include <string>

#include "comm/communicator.h"

namespace millrace {

enum class Collective : uint8_t { kAllReduce, kAllGather, kReduceScatter, kBroadcast, kBarrier };

// The same on all ranks but for the pointers.
struct Call {
  Collective collective = Collective::kBarrier;
  ReduceOp op = ReduceOp::kSum;
  DType dtype = DType::kF32;
  int64_t count = 0;  // elements of `buffer`
  int root = 0;
  const char* operation = "";
  void* buffer = nullptr;
  void* out = nullptr;

  size_t buffer_bytes() const { return static_cast<size_t>(count) * dtype_bytes(dtype); }
};

bool agree(const Call& a, const Call& b);
// "all_reduce sum of 8 f32 in "layer 3 mlp g forward""
std::string describe(const Call& call);
const char* name_of(DType dtype);

}  // namespace millrace

#endif  // MILLRACE_COMM_CALL_H_
