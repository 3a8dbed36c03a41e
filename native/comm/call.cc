#include "comm/call.h"

#include <cstring>

namespace millrace {

namespace {

const char* name_of(Collective collective) {
  switch (collective) {
    case Collective::kAllReduce:
      return "all_reduce";
    case Collective::kAllGather:
      return "all_gather";
    case Collective::kReduceScatter:
      return "reduce_scatter";
    case Collective::kBroadcast:
      return "broadcast";
    case Collective::kBarrier:
      return "barrier";
  }
  return "";
}

}  // namespace

const char* name_of(DType dtype) {
  static const char* const names[] = {"f32", "f64", "bf16", "f16", "i32", "i64"};
  return names[static_cast<int>(dtype)];
}

std::string describe(const Call& call) {
  std::string text = name_of(call.collective);
  if (call.collective == Collective::kAllReduce) text += call.op == ReduceOp::kSum ? " sum" : " max";
  if (call.collective == Collective::kBroadcast) text += " from rank " + std::to_string(call.root);
  if (call.collective != Collective::kBarrier) {
    text += " of " + std::to_string(call.count) + " " + name_of(call.dtype);
  }
  return text + " in \"" + call.operation + "\"";
}

bool agree(const Call& a, const Call& b) {
  return a.collective == b.collective && a.op == b.op && a.dtype == b.dtype && a.count == b.count && a.root == b.root &&
         std::strcmp(a.operation, b.operation) == 0;
}

}  // namespace millrace
