// Status: failure as a value. Below the C API nothing throws, prints or aborts.
#ifndef MILLRACE_CORE_STATUS_H_
#define MILLRACE_CORE_STATUS_H_

#include <string>
#include <utility>

#include "millrace/status.h"

namespace millrace {

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(mr_code code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const { return code_ == MR_OK; }
  mr_code code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  mr_code code_ = MR_OK;
  std::string message_;
};

inline Status ok() { return Status(); }
inline Status invalid_argument(std::string message) { return Status(MR_INVALID_ARGUMENT, std::move(message)); }
inline Status internal_error(std::string message) { return Status(MR_INTERNAL, std::move(message)); }

}  // namespace millrace

#define MR_RETURN_IF_ERROR(expression)                 \
  do {                                                 \
    ::millrace::Status mr_status_value = (expression); \
    if (!mr_status_value.ok()) return mr_status_value; \
  } while (false)

#define MR_STRINGIZE_INNER(x) #x
#define MR_STRINGIZE(x) MR_STRINGIZE_INNER(x)

// Checks what only we can get wrong; the message records expression, file and line.
#define MR_CHECK(condition)                                                                                            \
  do {                                                                                                                 \
    if (!(condition)) return ::millrace::internal_error(#condition " failed at " __FILE__ ":" MR_STRINGIZE(__LINE__)); \
  } while (false)

#endif  // MILLRACE_CORE_STATUS_H_
