// mr_list from vectors, and the border that exceptions do not cross.
#ifndef MILLRACE_API_LIST_H_
#define MILLRACE_API_LIST_H_

#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "api/last_error.h"
#include "millrace/list.h"

struct mr_list {
  std::vector<uint64_t> words;
  std::vector<uint32_t> halves;  // one of the two is empty
};

namespace millrace {

inline mr_list* list_of(std::vector<uint64_t> words) { return new mr_list{std::move(words), {}}; }
inline mr_list* list_of(std::vector<uint32_t> halves) { return new mr_list{{}, std::move(halves)}; }

// Both or neither: a failure of the second allocation must not leak the first list.
template <class First, class Second>
void hand_out(First first, Second second, mr_list** first_out, mr_list** second_out) {
  std::unique_ptr<mr_list> first_list(list_of(std::move(first)));
  *second_out = list_of(std::move(second));
  *first_out = first_list.release();
}

// Runs `body`, which returns a Status, and keeps exceptions on this side of the border.
template <class Body>
mr_code guarded_task(Body body) {
  try {
    return report(body());
  } catch (const std::bad_alloc&) {
    return report(Status(MR_OUT_OF_MEMORY, "not enough memory for the documents of one dedup task"));
  } catch (const std::exception& error) {
    return report(internal_error(error.what()));
  }
}

}  // namespace millrace

#endif  // MILLRACE_API_LIST_H_
