#include "api/last_error.h"

namespace millrace {

namespace {
thread_local std::string last_message;
}  // namespace

mr_code report(const Status& status) {
  if (!status.ok()) last_message = status.message();
  return status.code();
}

}  // namespace millrace

extern "C" const char* mr_last_error(void) { return millrace::last_message.c_str(); }
