/* The conventions of the C API.
 *
 * - Every function returns an mr_code; results leave through out-parameters, which are untouched on failure.
 * - mr_last_error() gives one sentence about the last failure on the calling thread, valid until that thread's next
 * call.
 * - Handles are opaque, made by *_create or *_open and ended by *_destroy or *_close; destroying NULL is allowed.
 * - Unless a function says otherwise a handle is used by one thread at a time; distinct handles are independent.
 * - Pointers passed in are borrowed for the call; pointers handed out live as long as their handle.
 * - Nothing prints, aborts, exits or throws across this boundary. Sizes are in elements unless the name says bytes.
 */
#ifndef MILLRACE_STATUS_H_
#define MILLRACE_STATUS_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mr_code {
  MR_OK = 0,
  MR_INVALID_ARGUMENT = 1, /* the caller can mend it */
  MR_IO = 2,
  MR_OUT_OF_MEMORY = 3,
  MR_COMM = 4,      /* a collective failed; the group is poisoned */
  MR_CORRUPT = 5,   /* bytes on disk are not what they should be */
  MR_NO_DEVICE = 6, /* the asked-for backend has no device here */
  MR_INTERNAL = 7,
  MR_DIVERGED = 8 /* training: gradients are not finite and nothing is left to try; the sentence has advice */
} mr_code;

const char* mr_last_error(void);

#ifdef __cplusplus
}
#endif
#endif
