// The thread-local message behind mr_last_error(), set by every file of this folder.
#ifndef MILLRACE_API_LAST_ERROR_H_
#define MILLRACE_API_LAST_ERROR_H_

#include "core/status.h"

namespace millrace {

// Remembers the message and returns the code, so that `return report(status);` ends a C function.
mr_code report(const Status& status);

}  // namespace millrace

#endif  // MILLRACE_API_LAST_ERROR_H_
