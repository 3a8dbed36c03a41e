// What every function of the C API does with its arguments and with what its body throws.
#ifndef MILLRACE_API_GUARD_H_
#define MILLRACE_API_GUARD_H_

#include <exception>
#include <new>
#include <string>

#include "api/last_error.h"

namespace millrace {

// Runs `body`, which returns a Status, and reports it. Nothing is thrown across the C border.
template <class Body>
mr_code guarded(Body body, const char* without_memory = "out of memory") {
  try {
    return report(body());
  } catch (const std::bad_alloc&) {
    return report(Status(MR_OUT_OF_MEMORY, without_memory));
  } catch (const std::exception& error) {
    return report(internal_error(error.what()));
  } catch (...) {
    return report(internal_error("an unknown exception"));
  }
}

inline Status not_null(const void* pointer, const char* name) {
  return pointer != nullptr ? ok() : invalid_argument(std::string("expected a pointer for ") + name + ", got NULL");
}

}  // namespace millrace

#endif  // MILLRACE_API_GUARD_H_
