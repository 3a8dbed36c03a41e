// millrace/list.h.
#include "api/list.h"

extern "C" {

const void* mr_list_data(const mr_list* list) {
  return list->words.empty() ? static_cast<const void*>(list->halves.data()) : list->words.data();
}

size_t mr_list_bytes(const mr_list* list) {
  return list->words.size() * sizeof(uint64_t) + list->halves.size() * sizeof(uint32_t);
}

void mr_list_destroy(mr_list* list) { delete list; }

}  // extern "C"
