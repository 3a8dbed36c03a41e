/* Ranks as processes: what mpirun or srun started, joined by MPI. A trainer whose config says `processes` has one rank
 * in each of them, and every process makes the same calls of it in the same order. Ranks as threads need none of this,
 * and the two are never mixed.
 *
 * Conventions as in status.h. MR_COMM: MPI said no, or another process gave up.
 */
#ifndef MILLRACE_PROCESSES_H_
#define MILLRACE_PROCESSES_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_process {
  int32_t rank;
  int32_t num_ranks;
  int32_t local_rank; /* among those of this machine */
  int32_t num_local_ranks;
} mr_process;

/* What is missing when this build cannot: "this build has no MPI; ..."; else "". Static. */
const char* mr_processes_reason(void);

/* Joins the others, and waits until all have; once in a process. */
mr_code mr_processes_join(mr_process* out);

/* *out becomes what process 0 says; the text of the others is not looked at. Valid until this process's next call. */
mr_code mr_processes_tell(const char* text, size_t num_bytes, const char** out, size_t* out_bytes);

/* The last call; trainers are destroyed before. finished: waits until all others leave too. Else, after a failure, this
 * process just stops talking to the others, whom the launcher ends when it exits. Without having joined: nothing. */
mr_code mr_processes_leave(int32_t finished);

#ifdef __cplusplus
}
#endif
#endif
