// Writes shards (docs/formats/shard.md): rows in, an Arrow IPC file and its entry for the manifest out.
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { digestFile } from "../base/digest.js";
import { MillraceError } from "../base/errors.js";
import { encodeArrowFile, type ShardColumns, type TextColumn, type TokenArray } from "./arrow-file.js";
import { type ManifestBatch, type ManifestShard, type Split, shardIdentity } from "./manifest.js";
import { pageChecksums, SHARD_FORMAT, type ShardHeader } from "./shard.js";

/** Of one record batch; a single larger document is a batch of its own. */
const MAX_BATCH_BYTES = 64 << 20;

/** A typed array that grows; `take` hands out an exact copy and starts again. */
class Growing<A extends Uint8Array | Uint16Array | Int32Array> {
  #array: A;
  #length = 0;
  readonly #make: (length: number) => A;

  constructor(make: (length: number) => A) {
    this.#make = make;
    this.#array = make(1024);
  }

  get length(): number {
    return this.#length;
  }

  push(values: ArrayLike<number>): void {
    const needed = this.#length + values.length;
    if (needed > this.#array.length) {
      const grown = this.#make(Math.max(needed, 2 * this.#array.length));
      grown.set(this.#array.subarray(0, this.#length));
      this.#array = grown;
    }
    this.#array.set(values, this.#length);
    this.#length = needed;
  }

  take(): A {
    const values = this.#array.slice(0, this.#length) as A;
    this.#length = 0;
    return values;
  }
}

class GrowingText {
  readonly #bytes = new Growing((length) => new Uint8Array(length));
  readonly #offsets = new Growing((length) => new Int32Array(length));

  constructor() {
    this.#offsets.push([0]);
  }

  get numBytes(): number {
    return this.#bytes.length;
  }

  push(value: Uint8Array): void {
    this.#bytes.push(value);
    this.#offsets.push([this.#bytes.length]);
  }

  take(): TextColumn {
    const column = { bytes: this.#bytes.take(), offsets: this.#offsets.take() };
    this.#offsets.push([0]);
    return column;
  }
}

/** Bytes of a row beside its values: three offsets. */
const ROW_BYTES = 12;

/** Rows in, record batches out. Add every row, then `write` once. */
export class ShardBuilder {
  readonly #header: ShardHeader;
  readonly #maxBatchBytes: number;
  readonly #batches: ShardColumns[] = [];
  readonly #id = new GrowingText();
  readonly #source = new GrowingText();
  readonly #tokens: Growing<TokenArray>;
  readonly #offsets = new Growing((length) => new Int32Array(length));
  #rows = 0;
  #numDocuments = 0;
  #numTokens = 0;

  constructor(header: ShardHeader, maxBatchBytes = MAX_BATCH_BYTES) {
    this.#header = header;
    this.#maxBatchBytes = maxBatchBytes;
    const Tokens = header.tokenType === "uint16" ? Uint16Array : Int32Array;
    this.#tokens = new Growing((length): TokenArray => new Tokens(length));
    this.#offsets.push([0]);
  }

  get numDocuments(): number {
    return this.#numDocuments;
  }

  get numTokens(): number {
    return this.#numTokens;
  }

  /** One document. `tokens` are its ids, with or without the end-of-document id: it is added where `ended` is false. */
  add(id: Uint8Array, source: Uint8Array, tokens: ArrayLike<number>, ended = false): void {
    const width = this.#header.tokenType === "uint16" ? 2 : 4;
    const bytes = this.#id.numBytes + this.#source.numBytes + width * this.#tokens.length + ROW_BYTES * this.#rows;
    const rowBytes = id.length + source.length + width * (tokens.length + 1) + ROW_BYTES;
    if (this.#rows > 0 && bytes + rowBytes > this.#maxBatchBytes) this.#endBatch();
    this.#id.push(id);
    this.#source.push(source);
    this.#tokens.push(tokens);
    if (!ended) this.#tokens.push([this.#header.endOfDocumentId]);
    this.#offsets.push([this.#tokens.length]);
    this.#rows += 1;
    this.#numDocuments += 1;
    this.#numTokens += tokens.length + (ended ? 0 : 1);
  }

  #endBatch(): void {
    this.#batches.push({
      numDocuments: this.#rows,
      docId: this.#id.take(),
      source: this.#source.take(),
      values: this.#tokens.take(),
      offsets: this.#offsets.take(),
    });
    this.#offsets.push([0]);
    this.#rows = 0;
  }

  /** Writes the file aside, renames it into place, reads it back and compares. */
  async write(dir: string, file: string, split: Split): Promise<ManifestShard> {
    if (this.#rows > 0) this.#endBatch();
    const { tokenType, tokenizerFingerprint, endOfDocumentId } = this.#header;
    const metadata = new Map([
      ["millrace.format", SHARD_FORMAT],
      ["millrace.tokenizer", tokenizerFingerprint],
      ["millrace.end_of_document", String(endOfDocumentId)],
    ]);
    const path = join(dir, file);
    const written = await writeFileAtomic(path, encodeArrowFile(tokenType, metadata, this.#batches));
    const read = await digestFile(path);
    if (read.digest !== written.digest) {
      throw new MillraceError("shard-write", `expected ${written.digest} for what was written, got ${read.digest}`, {
        where: { file: path },
        hint: "the disk does not keep what is written to it; check it",
      });
    }
    const batches = this.#batches.map(
      ({ numDocuments, values }): ManifestBatch => ({
        documents: numDocuments,
        tokens: values.length,
        pages: pageChecksums(values),
      }),
    );
    return {
      file,
      split,
      bytes: written.sizeBytes,
      documents: this.#numDocuments,
      tokens: this.#numTokens,
      digest: written.digest,
      identity: shardIdentity(tokenType, batches),
      batches,
    };
  }
}
