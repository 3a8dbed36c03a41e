// A gzip file as a stream of decompressed bytes. A damaged stream gives everything before the damage, then an error that
// names the file and the place.
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { invalid, type MillraceError } from "../base/errors.js";

const CHUNK_BYTES = 1 << 20;

function damaged(file: string, offset: number, cause: NodeJS.ErrnoException): MillraceError {
  const truncated = cause.code === "Z_BUF_ERROR";
  const found = truncated ? "got the end of the file" : `got bytes that are not gzip (${cause.message})`;
  return invalid(
    truncated ? "gzip-truncated" : "gzip-damaged",
    `expected more of the gzip stream ${file} after ${offset} decompressed bytes, ${found}`,
    {
      where: { file, offset },
      hint: "fetch the file again, or decompress what is left of it with `gzip -dc` and use that",
      cause,
    },
  );
}

/** Chunks in order; memory does not depend on the file's size. Several gzip members are one stream. */
export async function* gunzipFile(file: string): AsyncIterable<Uint8Array> {
  const input = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  input.on("error", (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  let offset = 0;
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      offset += chunk.length;
      yield chunk;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !code.startsWith("Z_")) throw error;
    // What was decompressed before the damage still waits in the stream's buffer.
    for (let chunk = gunzip.read() as Buffer | null; chunk !== null; chunk = gunzip.read() as Buffer | null) {
      offset += chunk.length;
      yield chunk;
    }
    throw damaged(file, offset, error as NodeJS.ErrnoException);
  } finally {
    input.destroy();
    gunzip.destroy();
  }
}
