#include "train/fault.h"

#include <chrono>
#include <cstdio>
#include <thread>

namespace millrace {

Status Fault::parse(const char* text, Fault* out) {
  if (text == nullptr || text[0] == '\0') return ok();
  char kind[8] = "";
  long long step = 0;
  int rank = 0, used = 0;
  const int fields = std::sscanf(text, "%6[a-z]:rank=%d,step=%lld%n", kind, &rank, &step, &used);
  const std::string name = kind;
  if (fields != 3 || text[used] != '\0' || (name != "freeze" && name != "fail")) {
    return invalid_argument(
        std::string("expected freeze:rank=R,step=S or fail:rank=R,step=S for MILLRACE_FAULT, got ") + text);
  }
  *out = Fault{name == "freeze" ? Kind::kFreeze : Kind::kFail, rank, step};
  return ok();
}

Status Fault::strike(int at_rank, int64_t at_step) const {
  if (kind == Kind::kNone || at_rank != rank || at_step != step) return ok();
  if (kind == Kind::kFail) return internal_error("MILLRACE_FAULT asked for this failure");
  for (;;) std::this_thread::sleep_for(std::chrono::hours(1));
}

}  // namespace millrace
