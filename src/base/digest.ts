// Content identity: "xxh64:<16 hex digits>" for bytes on disk (fast, against damage and change, not against an attacker),
// and "sha256:<64 hex digits>" over canonical JSON for configurations, whose keys must never collide by accident.
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { Xxh64, xxh64 } from "@node-rs/xxhash";

const CHUNK_BYTES = 1 << 21;

function format(hash: bigint): string {
  return `xxh64:${hash.toString(16).padStart(16, "0")}`;
}

/** A running digest of bytes given in pieces: how they were cut does not matter. */
export class Digester {
  readonly #state = new Xxh64();

  update(bytes: Uint8Array): this {
    this.#state.update(bytes);
    return this;
  }

  digest(): string {
    return format(this.#state.digest());
  }
}

export function digestBytes(bytes: Uint8Array): string {
  return format(xxh64(bytes));
}

/** The next chunk of a file is read while one is digested; memory does not depend on the file's size. */
export async function digestFile(path: string): Promise<{ sizeBytes: number; digest: string }> {
  const digester = new Digester();
  let sizeBytes = 0;
  for await (const chunk of readChunks(path)) {
    digester.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, digest: digester.digest() };
}

/** A file from its first byte to its last; a chunk is valid until the next one is asked for. */
export async function* readChunks(path: string): AsyncIterable<Uint8Array> {
  const file = await open(path, "r");
  let reading: Promise<{ bytesRead: number }> | undefined;
  try {
    // Room for one byte more than there is: a small file is read in one go, and its end is seen in the next.
    const length = Math.min(CHUNK_BYTES, (await file.stat()).size + 1);
    let [current, next] = [new Uint8Array(length), new Uint8Array(length)];
    let position = 0;
    reading = file.read(current, 0, length, 0);
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return;
      position += bytesRead;
      reading = file.read(next, 0, length, position);
      // It is awaited above, but may fail before.
      reading.catch(() => undefined);
      yield current.subarray(0, bytesRead);
      [current, next] = [next, current];
    }
  } finally {
    await reading?.catch(() => undefined);
    await file.close();
  }
}

/** JSON with sorted keys and without undefined members: equal values give equal text. Refuses what JSON cannot say. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError(`expected a finite number for canonical JSON, got ${value}`);
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value === "object") {
    const record = value as Record<string, unknown>;
    const members = Object.keys(record)
      .filter((key) => record[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(record[key])}`);
    return `{${members.join(",")}}`;
  }
  throw new TypeError(`expected a JSON value for canonical JSON, got ${typeof value}`);
}

/** "sha256:..." of the value's canonical JSON. */
export function digestJson(value: unknown): string {
  return `sha256:${createHash("sha256").update(canonicalJson(value)).digest("hex")}`;
}
