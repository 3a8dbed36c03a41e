// A file of an object store, read in parts of a few MiB, some of them on their way while one is worked on.
import { invalid } from "../errors.js";
import { BLOCKS } from "./driver.js";
import { type RemoteStore, storeOf } from "./remote-store.js";
import { changed } from "./store-error.js";
import { CHUNK_BYTES, type RangeReader, type StoredFile } from "./stored-file.js";
import { formatUri, parseUri } from "./uri.js";
import { parseVersion, type Version } from "./version.js";

/**
 * A request takes about 50 ms to begin: so much in one go, and so many at a time, keep 300 MB/s on their way. A thread that
 * blocks has nothing on its way while it works, but asks for its parts in several requests.
 */
const READING = BLOCKS
  ? { partBytes: 8 * 2 ** 20, parts: 1, split: { chunk: 2 ** 21, concurrent: 4 } }
  : { partBytes: 4 * 2 ** 20, parts: 4, split: {} };

/** Less is one request: to split it costs more than it gains. */
const MIN_SPLIT_BYTES = 2 ** 22;

export class RemoteFile implements StoredFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly #store: RemoteStore;
  readonly #key: string;
  readonly #version: Version;

  private constructor(path: string, store: RemoteStore, key: string, version: Version) {
    this.path = path;
    this.sizeBytes = version.sizeBytes;
    this.#store = store;
    this.#key = key;
    this.#version = version;
  }

  /** `expected`: the version that the run began with; another one is `input-changed`. */
  static async open(path: string, expected?: string): Promise<RemoteFile> {
    const uri = parseUri(path);
    const store = storeOf(uri);
    const known = expected === undefined ? undefined : parseVersion(expected);
    // Where every read asks for the version itself, nobody need ask beforehand.
    if (known?.etag?.startsWith('"') && store.service.conditional) return new RemoteFile(path, store, uri.key, known);
    const found = await store.find(uri.key);
    if (known !== undefined && found?.text !== known.text) throw changed(path);
    if (found === undefined) {
      throw invalid("config-input", `expected an object at ${formatUri(uri)}, found none`, { where: { file: path } });
    }
    return new RemoteFile(path, store, uri.key, found);
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    const end = Math.min(this.sizeBytes, position + buffer.length);
    let filled = 0;
    for await (const chunk of this.stream(position, end, READING.partBytes)) {
      buffer.set(chunk, filled);
      filled += chunk.length;
    }
    return filled;
  }

  async *stream(start = 0, end = Number.POSITIVE_INFINITY, chunkBytes = CHUNK_BYTES): AsyncIterable<Uint8Array> {
    const last = Math.min(end, this.sizeBytes);
    const { partBytes, parts, split } = READING;
    const pending: Promise<Uint8Array>[] = [];
    let asked = start;
    const ask = (): void => {
      while (pending.length < parts && asked < last) {
        const until = Math.min(last, asked + partBytes);
        const part = this.#store.read(
          this.#key,
          asked,
          until,
          this.#version,
          until - asked > MIN_SPLIT_BYTES ? split : {},
        );
        // It is awaited below, but may fail before.
        part.catch(() => undefined);
        pending.push(part);
        asked = until;
      }
    };
    for (ask(); pending.length > 0; ask()) {
      const part = await pending.shift()!;
      if (!BLOCKS) ask();
      for (let at = 0; at < part.length; at += chunkBytes) yield part.subarray(at, at + chunkBytes);
    }
  }

  range(start: number, end: number): RangeReader {
    const chunks = this.stream(start, end)[Symbol.asyncIterator]();
    let chunk: Uint8Array = new Uint8Array(0);
    return {
      read: async (buffer) => {
        let filled = 0;
        while (filled < buffer.length) {
          if (chunk.length === 0) {
            const next = await chunks.next();
            if (next.done === true) break;
            chunk = next.value;
          }
          const part = chunk.subarray(0, buffer.length - filled);
          buffer.set(part, filled);
          filled += part.length;
          chunk = chunk.subarray(part.length);
        }
        return filled;
      },
    };
  }

  async close(): Promise<void> {}
}
