// A file as its readers see it, wherever it lies: ranges by position, or a stream.

export interface StoredFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Fills `buffer` from `position` on; the number of bytes, fewer only where the file ends. */
  read(buffer: Uint8Array, position: number): Promise<number>;
  /** Bytes [start, end) in chunks of about `chunkBytes` (1 MiB), each the caller's to keep and change. */
  stream(start?: number, end?: number, chunkBytes?: number): AsyncIterable<Uint8Array>;
  /** Bytes [start, end) into buffers of the caller's: as fast as a stream, without memory of its own where that is possible. */
  range(start: number, end: number): RangeReader;
  close(): Promise<void>;
}

export interface RangeReader {
  /** Fills `buffer` with the next bytes; the number of them, fewer only where the range or the file ends. */
  read(buffer: Uint8Array): Promise<number>;
}

/** Of `stream`. */
export const CHUNK_BYTES = 2 ** 20;
