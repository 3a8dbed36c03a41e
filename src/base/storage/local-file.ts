// A file of this machine.
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { localFault, notAFile } from "./local-fault.js";
import { CHUNK_BYTES, type RangeReader, type StoredFile } from "./stored-file.js";

/** Without the flag a pipe is opened when somebody writes to it, perhaps never. */
const READ_AT_ONCE = constants.O_RDONLY | constants.O_NONBLOCK;

function requireFile(path: string, found: Stats): void {
  if (!found.isFile()) throw notAFile(path, found.isDirectory() ? "a folder" : "a pipe or device");
}

/** For readers that have nothing else to do; fails as LocalFile does. The caller closes it. */
export function openLocalSync(path: string): number {
  let file: number | undefined;
  try {
    file = openSync(path, READ_AT_ONCE);
    requireFile(path, fstatSync(file));
    return file;
  } catch (error) {
    if (file !== undefined) closeSync(file);
    throw localFault(path, error);
  }
}

/** Bytes of the file into `into`, from `position` on: how many, 0 at its end. */
export function readLocalSync(path: string, file: number, into: Uint8Array, position: number): number {
  try {
    return readSync(file, into, 0, into.length, position);
  } catch (error) {
    throw localFault(path, error);
  }
}

export class LocalFile implements StoredFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #handle: FileHandle;

  private constructor(path: string, sizeBytes: number, handle: FileHandle) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.#handle = handle;
  }

  /** `input-changed` where there is no file any more, `input-unreadable` where there is one that cannot be read. */
  static async open(path: string): Promise<LocalFile> {
    const handle = await open(path, READ_AT_ONCE).catch((error: unknown) => {
      throw localFault(path, error);
    });
    try {
      const found = await handle.stat();
      requireFile(path, found);
      return new LocalFile(path, found.size, handle);
    } catch (error) {
      await handle.close();
      throw localFault(path, error);
    }
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.#handle
        .read(buffer, filled, buffer.length - filled, position + filled)
        .catch((error: unknown) => {
          throw localFault(this.path, error);
        });
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
