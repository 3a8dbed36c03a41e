// A file of this machine.
import { type FileHandle, open } from "node:fs/promises";
import { CHUNK_BYTES, type RangeReader, type StoredFile } from "./stored-file.js";

export class LocalFile implements StoredFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  private constructor(path: string, sizeBytes: number, handle: FileHandle) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#handle = handle;
  }

  /** Fails as node:fs does: ENOENT, EACCES and so on. */
  static async open(path: string): Promise<LocalFile> {
    const handle = await open(path, "r");
    try {
      return new LocalFile(path, (await handle.stat()).size, handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#handle.read(buffer, filled, buffer.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  /** The next chunk is read while one is worked on. */
  async *stream(start = 0, end = Number.POSITIVE_INFINITY, chunkBytes = CHUNK_BYTES): AsyncIterable<Uint8Array> {
    // No chunk is larger than what the file was found to hold, and one byte to see its end by; it may have grown since.
    const length = Math.min(chunkBytes, Math.max(1, Math.min(end, this.sizeBytes + 1) - start));
    const chunkAt = async (position: number): Promise<Uint8Array> => {
      // Not filled with zeros: what is not read into is cut off.
      const chunk = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, end - position)));
      return chunk.subarray(0, await this.read(chunk, position));
    };
    let position = start;
    let reading = chunkAt(position);
    try {
      for (;;) {
        const chunk = await reading;
        if (chunk.length === 0) return;
        position += chunk.length;
        reading = chunkAt(position);
        // It is awaited above, but may fail before.
        reading.catch(() => undefined);
        yield chunk;
      }
    } finally {
      await reading.catch(() => undefined);
    }
  }

  range(start: number, end: number): RangeReader {
    let position = start;
    return {
      read: async (buffer) => {
        const wanted = buffer.subarray(0, Math.max(0, end - position));
        const filled = await this.read(wanted, position);
        position += filled;
        return filled;
      },
    };
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
