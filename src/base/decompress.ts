// Compressed files as the bytes they hold, a piece at a time: memory does not depend on the file's size.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { gunzip } from "./gunzip.js";
import { Unzstd } from "./zstd.js";

export type CompressedFormat = "gzip" | "zstd";

/**
 * Several members or frames are one stream. `open` gives it from its begin, each time the same: damage makes it be read again.
 * A damaged stream gives everything that can be decoded before the damage, then a DamagedStream.
 */
export async function* decompress(
  open: () => AsyncIterable<Uint8Array>,
  format: CompressedFormat,
): AsyncIterable<Uint8Array> {
  yield* format === "gzip" ? gunzip(open) : unzstd(open());
}

async function* unzstd(compressed: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const decoder = new Unzstd();
  for await (const chunk of compressed) yield* decoder.push(chunk);
  decoder.end();
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
