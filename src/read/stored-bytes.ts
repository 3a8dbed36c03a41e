// The bytes of a corpus file from its begin, decompressed where it is compressed, then decoded where it is not UTF-8. A
// damaged stream gives everything before the damage, then an error that names the file and the place.
import { DamagedStream } from "../base/damaged-stream.js";
import { decompress } from "../base/decompress.js";
import { invalid, type MillraceError } from "../base/errors.js";
import { streamStored } from "../base/storage/index.js";
import type { BlockRef } from "../records/block-reader.js";
import { transcode } from "./encodings/index.js";

/** A corpus file as far as its bytes go. */
export type CorpusBytes = Pick<BlockRef, "file" | "compression" | "version" | "encoding">;

const DAMAGE = {
  gzip: { truncated: "gzip-truncated", other: "gzip-damaged", tool: "gzip -dc" },
  zstd: { truncated: "zstd-truncated", other: "zstd-damaged", tool: "zstd -dc" },
} as const;

function damaged(file: string, compression: "gzip" | "zstd", offset: number, cause: DamagedStream): MillraceError {
  const { truncated, other, tool } = DAMAGE[compression];
  const found = cause.truncated
    ? "got the end of the file"
    : `got bytes that are not ${compression} (${cause.message})`;
  return invalid(
    cause.truncated ? truncated : other,
    `expected more of the ${compression} stream ${file} after ${offset} decompressed bytes, ${found}`,
    {
      where: { file, offset },
      hint: `fetch the file again, or decompress what is left of it with \`${tool}\` and use that`,
      cause,
    },
  );
}

/** Chunks in order, the caller's to change; memory does not depend on the file's size. */
export function storedBytes(file: CorpusBytes): AsyncIterable<Uint8Array> {
  const bytes = decompressed(file);
  return file.encoding === undefined ? bytes : transcode(bytes, file.encoding);
}

async function* decompressed({ file, compression, version }: CorpusBytes): AsyncIterable<Uint8Array> {
  const stored = (): AsyncIterable<Uint8Array> => streamStored(file, version);
  if (compression === "none") {
    yield* stored();
    return;
  }
  let offset = 0;
  try {
    for await (const chunk of decompress(stored, compression)) {
      offset += chunk.length;
      yield chunk;
    }
  } catch (error) {
    throw error instanceof DamagedStream ? damaged(file, compression, offset, error) : error;
  }
}

/** The same bytes in chunks of `sizeBytes`, the last one shorter, so that they do not depend on how they were compressed. */
export async function* evenChunks(chunks: AsyncIterable<Uint8Array>, sizeBytes: number): AsyncIterable<Uint8Array> {
  let current = new Uint8Array(sizeBytes);
  let filled = 0;
  let damage: unknown;
  try {
    for await (const chunk of chunks) {
      if (filled === 0 && chunk.length === sizeBytes) {
        yield chunk;
        continue;
      }
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + sizeBytes - filled);
        current.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled < sizeBytes) continue;
        yield current;
        current = new Uint8Array(sizeBytes);
        filled = 0;
      }
    }
  } catch (error) {
    damage = error;
  }
  if (filled > 0) yield current.subarray(0, filled);
  if (damage !== undefined) throw damage;
}
