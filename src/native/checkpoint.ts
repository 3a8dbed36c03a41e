// native/addon/checkpoint.cc: checkpoints while training goes on.

/** See native/include/millrace/checkpoint.h. One call at a time; a write goes on while the trainer steps, or after it was destroyed. */
export interface NativeSnapshot {
  readonly sizeBytes: number;
  /** Copies the trainer's state after its last step: the trainer is busy until the promise settles, and no longer. */
  take(): Promise<void>;
  /** Writes what was last taken: whole and durable under `path`, or not there at all. */
  write(path: string): Promise<void>;
  /** Frees the memory; garbage collection does too. */
  destroy(): void;
}

export interface NativeCheckpoints {
  /** CRC-32 (zlib's) of bytes that follow those of which `before` is the checksum; 0 to begin. */
  crc32(bytes: Uint8Array, before: number): number;
}
