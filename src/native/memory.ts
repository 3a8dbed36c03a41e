// native/addon/memory.cc: memory-mapped files.

export interface NativeMemory {
  /** The whole file, read-only, not copied; unmapped when the array buffer is collected. */
  mapFile(path: string): ArrayBuffer;
  /** Creates or truncates the file to `sizeBytes` and maps it shared and writable. */
  mapFileWritable(path: string, sizeBytes: number): ArrayBuffer;
}
