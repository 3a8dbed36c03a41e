/* Memory-mapped files. A mapping is a plain pointer and a length; mr_unmap ends it, from any thread.
 *
 * The file must keep its size while it is mapped: touching bytes that were cut off raises SIGBUS.
 */
#ifndef MILLRACE_MEMORY_H_
#define MILLRACE_MEMORY_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The whole file, read-only: writing to it raises SIGSEGV. An empty file gives *data = NULL and *size_bytes = 0. */
mr_code mr_map_file(const char* path, void** data, size_t* size_bytes);

/* Creates the file or sets its length to `size_bytes` (at least 1), zero-filled, and maps it writable and shared with
 * every process that maps it. */
mr_code mr_map_file_writable(const char* path, size_t size_bytes, void** data);

/* Data and size as handed out; NULL is allowed. */
void mr_unmap(void* data, size_t size_bytes);

#ifdef __cplusplus
}
#endif
#endif
