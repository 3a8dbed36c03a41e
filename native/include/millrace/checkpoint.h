/* Checkpoints while training goes on: a snapshot is memory of its own for all that a checkpoint holds. Training stands
 * still only while one is taken; it is written on another thread meanwhile.
 *
 *   mr_snapshot_create(trainer, &snapshot);      once; its memory is kept until it is destroyed
 *   mr_snapshot_take(snapshot, trainer);         between two steps
 *   mr_snapshot_write(snapshot, path);           on any thread, while the trainer steps on or after it has ended
 */
#ifndef MILLRACE_CHECKPOINT_H_
#define MILLRACE_CHECKPOINT_H_

#include "millrace/trainer.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_snapshot mr_snapshot;

/* Allocates what this trainer's state takes, and touches it: later calls wait for no memory. */
mr_code mr_snapshot_create(mr_trainer* trainer, mr_snapshot** out);
void mr_snapshot_destroy(mr_snapshot* snapshot);

/* Copies the state after the last step. Uses both handles; the snapshot must be of this trainer. Where ranks are
 * processes, the copies of all come together in that of rank 0, which alone can be written. */
mr_code mr_snapshot_take(mr_snapshot* snapshot, mr_trainer* trainer);

/* Writes the checkpoint of what was last taken: logical tensors, moments and counters in one safetensors file
 * (docs/formats/checkpoint.md). It grows as `path`.partial, is made durable and takes its name, or does not appear at
 * all: MR_IO, a full disk or a missing folder, leaves what was there. */
mr_code mr_snapshot_write(const mr_snapshot* snapshot, const char* path);

/* Bytes that a take copies, and that the snapshot holds. */
mr_code mr_snapshot_bytes(const mr_snapshot* snapshot, uint64_t* out);

/* CRC-32 as in a checkpoint's header (zlib's), of bytes that follow those of which `before` is the checksum; 0 to
 * begin.
 */
uint32_t mr_crc32(const void* data, size_t num_bytes, uint32_t before);

#ifdef __cplusplus
}
#endif
#endif
