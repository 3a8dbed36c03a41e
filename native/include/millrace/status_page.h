/* The status page: one memory-mapped file a training process, written by its ranks, read by the supervisor alone.
 * Plain little-endian fields at fixed offsets; a reader needs no lock (each field is written by one thread).
 *
 *   offset 0                  mr_status_header                       (128 bytes)
 *   offset 128 + 256 * r      mr_status_row of rank r, 0 <= r < num_ranks
 *   offset 128 + 256 * n      mr_status_row of the host loop (n = num_ranks)
 */
#ifndef MILLRACE_STATUS_PAGE_H_
#define MILLRACE_STATUS_PAGE_H_

#include <stdint.h>

#define MR_STATUS_MAGIC 0x3154415453524d00ull /* "\0MRSTAT1" little-endian */
#define MR_STATUS_HEADER_BYTES 128
#define MR_STATUS_ROW_BYTES 256

typedef enum mr_rank_state {
  MR_RANK_IDLE = 0,      /* waits for the host to hand it work: never overdue */
  MR_RANK_COMPUTING = 1, /* overdue when `ticks` stands still */
  MR_RANK_WAITING = 2,   /* inside a collective, waiting for its peers: not itself the culprit */
  MR_RANK_FAILED = 3     /* returned an error; `operation` names where */
} mr_rank_state;

typedef struct mr_status_header {
  uint64_t magic;
  uint32_t version; /* 1 */
  uint32_t num_ranks;
  uint64_t process_id;
  uint8_t reserved[104];
} mr_status_header;

typedef struct mr_status_row {
  uint64_t ticks;          /* raised at least once an op and once a chunk of a long op */
  uint64_t collective_seq; /* number of the last collective entered, from 1 */
  uint64_t step;           /* step in progress, from 1 */
  uint64_t changed_ns;     /* CLOCK_MONOTONIC when `operation` last changed */
  uint32_t state;          /* mr_rank_state */
  uint32_t reserved;
  char operation[128]; /* UTF-8, NUL-terminated: "layer 3 mlp g forward" */
  uint8_t padding[88];
} mr_status_row;

#endif
