// Compressed files as the bytes they hold, a piece at a time: memory does not depend on the file's size.
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip, gunzipSync } from "node:zlib";
import { Unzstd, ZstdError } from "./zstd.js";

export type CompressedFormat = "gzip" | "zstd";

const PIECE_BYTES = 2 ** 20;

/** The compressed bytes end too early, or are none. */
export class DamagedStream extends Error {
  readonly truncated: boolean;

  constructor(message: string, truncated: boolean, cause: unknown) {
    super(message, { cause });
    this.truncated = truncated;
  }
}

/** Several members or frames are one stream. A damaged one gives everything before the damage, then a DamagedStream. */
export function decompress(compressed: AsyncIterable<Uint8Array>, format: CompressedFormat): AsyncIterable<Uint8Array> {
  return format === "gzip" ? gunzip(compressed) : unzstd(compressed);
}

/** A whole file at once. */
export function decompressFileSync(path: string, format: CompressedFormat): Buffer {
  const bytes = readFileSync(path);
  if (format === "gzip") return gunzipSync(bytes);
  const decoder = new Unzstd();
  const pieces = [...decoder.push(bytes)];
  decoder.end();
  return Buffer.concat(pieces);
}

async function* gunzip(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const input = Readable.from(compressed, { highWaterMark: 1 });
  const stream = createGunzip({ chunkSize: PIECE_BYTES });
  input.on("error", (error) => stream.destroy(error));
  input.pipe(stream);
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !code.startsWith("Z_")) throw error;
    // What was decompressed before the damage still waits in the stream's buffer.
    for (let piece = stream.read() as Buffer | null; piece !== null; piece = stream.read() as Buffer | null)
      yield piece;
    throw new DamagedStream(message, code === "Z_BUF_ERROR", error);
  } finally {
    input.destroy();
    stream.destroy();
  }
}

async function* unzstd(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const decoder = new Unzstd();
  try {
    for await (const chunk of compressed) yield* decoder.push(chunk);
    decoder.end();
  } catch (error) {
    throw error instanceof ZstdError ? new DamagedStream(error.message, error.truncated, error) : error;
  }
}
