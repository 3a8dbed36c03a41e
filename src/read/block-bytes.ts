// The bytes of a block from its file, for those who were handed none: its range where any worker can read that by itself,
// otherwise everything before it is read again.
import { invalid } from "../base/errors.js";
import { openStored } from "../base/storage/index.js";
import type { BlockRef } from "../records/block-reader.js";
import { jsonChunks } from "./json-file.js";
import { storedBytes } from "./stored-bytes.js";

/** Whether a block of the file stands in it as it is read: nothing before it is needed. */
export function isRange(ref: Pick<BlockRef, "compression" | "format" | "encoding">): boolean {
  return ref.compression === "none" && ref.format !== "json" && ref.encoding === undefined;
}

/** Chunks in order, the caller's to change; fewer bytes where the file has become shorter. */
export async function* blockBytes(ref: BlockRef, recordsField = ""): AsyncIterable<Uint8Array> {
  if (isRange(ref)) {
    const file = await openStored(ref.file, ref.version);
    try {
      yield* file.stream(ref.start, ref.end);
    } finally {
      await file.close();
    }
    return;
  }
  let offset = 0;
  for await (const chunk of ref.format === "json" ? linesOfJson(ref, recordsField) : storedBytes(ref)) {
    const part = chunk.subarray(Math.max(0, ref.start - offset), Math.max(0, ref.end - offset));
    if (part.length > 0) yield part;
    offset += chunk.length;
    if (offset >= ref.end) return;
  }
}

/** All of it in a buffer of its own; shorter where the file has become shorter. */
export async function wholeBlock(ref: BlockRef, recordsField = ""): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(ref.end - ref.start);
  let filled = 0;
  if (isRange(ref)) {
    const file = await openStored(ref.file, ref.version);
    try {
      filled = await file.read(bytes, ref.start);
    } finally {
      await file.close();
    }
  } else {
    for await (const part of blockBytes(ref, recordsField)) {
      bytes.set(part, filled);
      filled += part.length;
    }
  }
  return filled === bytes.length ? bytes : bytes.slice(0, filled);
}

async function* linesOfJson(ref: BlockRef, recordsField: string): AsyncIterable<Uint8Array> {
  for await (const { bytes } of jsonChunks(ref, recordsField)) yield bytes;
}

/** `length`: of the bytes that the file gave for the block. */
export function checkLength(ref: BlockRef, length: number): void {
  if (length !== ref.end - ref.start) throw inputChanged(ref, length);
}

export function inputChanged(ref: BlockRef, length: number): Error {
  return invalid("input-changed", `expected ${ref.end - ref.start} bytes in block ${ref.id}, got ${length}`, {
    where: { file: ref.file, offset: ref.start },
    hint: "the file changed while it was read; run again when it is complete",
  });
}
