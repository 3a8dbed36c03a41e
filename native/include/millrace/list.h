/* A result of unforeseen length: 32- or 64-bit elements, as the function that makes it says. */
#ifndef MILLRACE_LIST_H_
#define MILLRACE_LIST_H_

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_list mr_list;
const void* mr_list_data(const mr_list* list);
size_t mr_list_bytes(const mr_list* list);
void mr_list_destroy(mr_list* list);

#ifdef __cplusplus
}
#endif
#endif
