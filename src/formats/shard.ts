// A shard on disk (docs/formats/shard.md): what all shards share, and reading one in place. Its columns are views of the
// file, mapped where the caller can, and each page of tokens is checked when it is first read. Writing is shard-writer.ts's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { digestBytes } from "../base/digest.js";
import { invalid, invariant, MillraceError } from "../base/errors.js";
import { type ArrowFile, decodeArrowFile, type ShardColumns, type TextColumn, type TokenArray } from "./arrow-file.js";
import { type ManifestShard, PAGE_BYTES, type TokenType } from "./manifest.js";

export type { ShardColumns, TextColumn, TokenArray } from "./arrow-file.js";

export const SHARD_FORMAT = "millrace-shard/1";

/** What a shard says of itself, beside its columns. */
export interface ShardHeader {
  readonly tokenType: TokenType;
  readonly tokenizerFingerprint: string;
  readonly endOfDocumentId: number;
}

/** The narrowest type that holds every id. */
export function tokenTypeOf(vocabSize: number): TokenType {
  return vocabSize <= 65_536 ? "uint16" : "int32";
}

/** The bytes of one row, a view. */
export function textBytes({ bytes, offsets }: TextColumn, row: number): Uint8Array {
  return bytes.subarray(offsets[row]!, offsets[row + 1]!);
}

/** The tokens of one document, a view; not checked unless its pages were read or verified. */
export function tokensOf({ values, offsets }: ShardColumns, row: number): TokenArray {
  return values.subarray(offsets[row]!, offsets[row + 1]!);
}

function bytesOf(values: TokenArray): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function checksumOf(page: Uint8Array): string {
  return digestBytes(page).slice("xxh64:".length);
}

/** Checksums of the pages of one batch's tokens buffer (little-endian bytes). */
export function pageChecksums(values: TokenArray): string[] {
  const bytes = bytesOf(values);
  const pages: string[] = [];
  for (let start = 0; start < bytes.length; start += PAGE_BYTES)
    pages.push(checksumOf(bytes.subarray(start, start + PAGE_BYTES)));
  return pages;
}

/** An open shard: views of its file, whose pages are checked at their first read. */
export class Shard {
  readonly path: string;
  readonly entry: ManifestShard;
  /** In a page that was not read through `read` or `verify` the bytes are not yet checked. */
  readonly batches: readonly ShardColumns[];
  /** Of batch i: the number of tokens before it; one more entry for the end. */
  readonly #starts: number[];
  readonly #verified: Uint8Array[];

  constructor(path: string, entry: ManifestShard, batches: readonly ShardColumns[]) {
    this.path = path;
    this.entry = entry;
    this.batches = batches;
    this.#starts = [0];
    for (const batch of batches) this.#starts.push(this.#starts.at(-1)! + batch.values.length);
    this.#verified = entry.batches.map((batch) => new Uint8Array(batch.pages.length));
  }

  get numTokens(): number {
    return this.entry.tokens;
  }

  /** Copies tokens [start, start + count) of the shard to `target` at `position`; what it copies has been checked. */
  read(start: number, count: number, target: Int32Array, position: number): void {
    const end = start + count;
    invariant(start >= 0 && end <= this.numTokens, `tokens ${start} to ${end} lie outside ${this.path}`);
    for (let batch = 0; batch < this.batches.length; batch++) {
      const batchStart = this.#starts[batch]!;
      const from = Math.max(start, batchStart);
      const to = Math.min(end, this.#starts[batch + 1]!);
      if (from >= to) continue;
      this.#verify(batch, from - batchStart, to - batchStart);
      target.set(this.batches[batch]!.values.subarray(from - batchStart, to - batchStart), position + from - start);
    }
  }

  /** Checks every page. */
  verify(): void {
    this.batches.forEach((batch, i) => {
      this.#verify(i, 0, batch.values.length);
    });
  }

  /** Tokens [from, to) of a batch. */
  #verify(batch: number, from: number, to: number): void {
    const { values } = this.batches[batch]!;
    const verified = this.#verified[batch]!;
    const perPage = PAGE_BYTES / values.BYTES_PER_ELEMENT;
    for (let page = Math.floor(from / perPage); page * perPage < to; page++) {
      if (verified[page] === 1) continue;
      const bytes = bytesOf(values.subarray(page * perPage, (page + 1) * perPage));
      const expected = this.entry.batches[batch]!.pages[page];
      const got = checksumOf(bytes);
      if (got !== expected) {
        const place = `page ${page} of record batch ${batch} of shard ${this.entry.file}`;
        throw new MillraceError("shard-damaged", `expected checksum ${expected} for ${place}, got ${got}`, {
          where: { file: this.path, offset: bytes.byteOffset },
          hint: "the file has changed since it was written; restore it or make the shards again",
        });
      }
      verified[page] = 1;
    }
  }
}

function damaged(path: string, expected: string, got: string): MillraceError {
  return invalid("shard-damaged", `expected ${expected} for the shard, got ${got}`, {
    where: { file: path },
    hint: "restore the file or make the shards again",
  });
}

/** A file's bytes; the addon's `mapFile` gives them without reading. */
export type FileMapper = (path: string) => ArrayBuffer;

function readWhole(path: string): ArrayBuffer {
  return new Uint8Array(readFileSync(path)).buffer;
}

/** Opens a shard that the manifest lists, and checks that its form is what the manifest says; its tokens at first read. */
export function openShard(
  dir: string,
  entry: ManifestShard,
  tokenType: TokenType,
  mapFile: FileMapper = readWhole,
): Shard {
  const path = join(dir, entry.file);
  const mapped = new Uint8Array(mapFile(path));
  if (mapped.length !== entry.bytes) throw damaged(path, `${entry.bytes} bytes`, String(mapped.length));
  let file: ArrowFile;
  try {
    file = decodeArrowFile(mapped, tokenType);
  } catch (cause) {
    throw damaged(path, "an Arrow IPC file with a shard's columns", (cause as Error).message);
  }
  const format = file.metadata.get("millrace.format");
  if (format !== SHARD_FORMAT) throw damaged(path, `format ${SHARD_FORMAT}`, String(format));
  const got = file.batches.map((batch) => [batch.numDocuments, batch.values.length]);
  const expected = entry.batches.map((batch) => [batch.documents, batch.tokens]);
  if (JSON.stringify(got) !== JSON.stringify(expected)) {
    throw damaged(path, `batches of [documents, tokens] ${JSON.stringify(expected)}`, JSON.stringify(got));
  }
  return new Shard(path, entry, file.batches);
}
