// mr_list from vectors, and the guard of the functions that give them.
#ifndef MILLRACE_API_LIST_H_
#define MILLRACE_API_LIST_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "api/guard.h"
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

template <class Body>
mr_code guarded_task(Body body) {
  return guarded(body, "not enough memory for the documents of one dedup task");
}

}  // namespace millrace

#endif  // MILLRACE_API_LIST_H_
