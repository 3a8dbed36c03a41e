#include "model/rank_env.h"

#include <chrono>
#include <cstdarg>
#include <cstdio>

namespace millrace {

const char* RankEnv::enter(const char* format, ...) {
  int length = 0;
  if (step > 0) length = std::snprintf(operation_, sizeof(operation_), "step %lld ", static_cast<long long>(step));
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(operation_ + length, sizeof(operation_) - static_cast<size_t>(length), format, arguments);
  va_end(arguments);
  if (context->heartbeat != nullptr) context->heartbeat->set_operation("%s", operation_);
  return operation_;
}

Status RankEnv::all_reduce(Communicator* group, int group_size, Tensor buffer, ReduceOp op, const char* name) {
  if (group_size == 1 || planning()) return ok();
  const char* operation = enter("%s", name);
  const auto begin = std::chrono::steady_clock::now();
  Status status = group->all_reduce(*context, buffer, op, operation);
  communication_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return status;
}

}  // namespace millrace
