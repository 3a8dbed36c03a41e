// unigram.bin (docs/formats/shard.md): how often each id occurs in the training shards. Little-endian:
//
//   0   8  magic "MRUNIGRM"
//   8   4  uint32 version = 1
//   12  4  uint32 V, the true vocabulary size
//   16  8V float64 counts, whole numbers, exact up to 2^53
import { readFile } from "node:fs/promises";
import { type WrittenFile, writeFileAtomic } from "../base/atomic.js";
import { digestBytes } from "../base/digest.js";
import { invalid } from "../base/errors.js";

export const UNIGRAM_FILE = "unigram.bin";
const MAGIC = "MRUNIGRM";
const VERSION = 1;
const HEADER_BYTES = 16;

export function writeUnigram(path: string, counts: Float64Array): Promise<WrittenFile> {
  const bytes = new Uint8Array(HEADER_BYTES + 8 * counts.length);
  const view = new DataView(bytes.buffer);
  bytes.set(new TextEncoder().encode(MAGIC));
  view.setUint32(8, VERSION, true);
  view.setUint32(12, counts.length, true);
  counts.forEach((count, id) => {
    view.setFloat64(HEADER_BYTES + 8 * id, count, true);
  });
  return writeFileAtomic(path, bytes);
}

/** `digest`: what the file must be, where it is known. */
export async function readUnigram(path: string, vocabSize: number, digest?: string): Promise<Float64Array> {
  const bytes = await readFile(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = (expected: string, got: string): Error =>
    invalid("shards-unigram", `expected ${expected} for the unigram counts, got ${got}`, {
      where: { file: path },
      hint: "make the shards again",
    });
  const expectedBytes = HEADER_BYTES + 8 * vocabSize;
  if (bytes.length !== expectedBytes) throw refuse(`${expectedBytes} bytes`, String(bytes.length));
  if (
    bytes.toString("latin1", 0, 8) !== MAGIC ||
    view.getUint32(8, true) !== VERSION ||
    view.getUint32(12, true) !== vocabSize
  ) {
    throw refuse(`${MAGIC} version ${VERSION} of ${vocabSize} ids`, "another file");
  }
  if (digest !== undefined && digestBytes(bytes) !== digest) throw refuse(digest, digestBytes(bytes));
  return Float64Array.from({ length: vocabSize }, (_, id) => view.getFloat64(HEADER_BYTES + 8 * id, true));
}
