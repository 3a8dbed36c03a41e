// External sorting of records of 32-bit words: runs that are sorted in memory, then one merge over all of them. A record
// begins with its key: one word, or a place in the total order (set-reader.ts). Records with one key stay as they came.
import { Spill, SpillWriter } from "../formats/spill.js";
import type { FileRef } from "../records/stage.js";
import type { DedupEngine } from "../text/engine.js";
import type { KEY_WORDS } from "./set-reader.js";

export interface RecordShape {
  readonly keyWords: 1 | typeof KEY_WORDS;
  /** Of the whole record, its key included. */
  readonly words: number;
}

/** Writes one spill file of runs: push records, flush when full, finish. */
export class RunWriter {
  readonly #writer: SpillWriter;
  readonly #shape: RecordShape;
  readonly #engine: DedupEngine;
  readonly #capacity: number;
  #records: Uint32Array;
  #count = 0;

  private constructor(writer: SpillWriter, shape: RecordShape, capacity: number, engine: DedupEngine) {
    this.#writer = writer;
    this.#shape = shape;
    this.#engine = engine;
    this.#capacity = capacity;
    this.#records = new Uint32Array(Math.min(capacity, 256) * shape.words);
  }

  static async open(
    path: string,
    kind: string,
    shape: RecordShape,
    capacity: number,
    engine: DedupEngine,
  ): Promise<RunWriter> {
    return new RunWriter(await SpillWriter.open(path, kind), shape, capacity, engine);
  }

  get isFull(): boolean {
    return this.#count >= this.#capacity;
  }

  /** One more record, as it is now. */
  push(record: Uint32Array): void {
    const at = this.#count * this.#shape.words;
    if (at === this.#records.length) {
      const larger = new Uint32Array(
        Math.min(at * 2, Math.max(this.#capacity * this.#shape.words, at + record.length)),
      );
      larger.set(this.#records);
      this.#records = larger;
    }
    this.#records.set(record, at);
    this.#count += 1;
  }

  /** Sorts what was pushed and writes it as one run. */
  async flush(): Promise<void> {
    const order = this.#shape.keyWords === 1 ? this.#orderByWord() : this.#orderByKey();
    const { words } = this.#shape;
    const sorted = new Uint32Array(this.#count * words);
    for (let i = 0; i < order.length; i += 1) {
      const from = order[i]! * words;
      for (let word = 0; word < words; word += 1) sorted[i * words + word] = this.#records[from + word]!;
    }
    const runs = this.#count === 0 ? new Uint32Array(0) : Uint32Array.of(this.#count);
    await this.#writer.append({ records: sorted, runs });
    this.#count = 0;
  }

  async finish(): Promise<FileRef> {
    await this.flush();
    return this.#writer.commit();
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }

  #orderByWord(): Uint32Array {
    const keys = new BigUint64Array(this.#count);
    const halves = new Uint32Array(keys.buffer);
    for (let i = 0; i < this.#count; i += 1) {
      halves[2 * i] = i;
      halves[2 * i + 1] = this.#records[i * this.#shape.words]!;
    }
    this.#engine.sortUnique(keys);
    return halves.filter((_, i) => i % 2 === 0);
  }

  #orderByKey(): Uint32Array {
    const orderKeys = new BigUint64Array(this.#count);
    const contentHashes = new BigUint64Array(this.#count * 2);
    const orderHalves = new Uint32Array(orderKeys.buffer);
    const hashHalves = new Uint32Array(contentHashes.buffer);
    for (let i = 0; i < this.#count; i += 1) {
      const at = i * this.#shape.words;
      orderHalves[2 * i] = this.#records[at + 1]!;
      orderHalves[2 * i + 1] = this.#records[at]!;
      for (let word = 0; word < 4; word += 2) {
        hashHalves[4 * i + word] = this.#records[at + 3 + word]!;
        hashHalves[4 * i + word + 1] = this.#records[at + 2 + word]!;
      }
    }
    return this.#engine.orderDocuments(orderKeys, contentHashes);
  }
}

/** Records of one window of a run that are in memory. */
const RECORDS_A_READ = 1024;

/** One run, read a window at a time. */
class RunReader {
  readonly window: Uint32Array;
  readonly #spill: Spill;
  readonly #words: number;
  #next: number;
  readonly #end: number;
  #filled = 0;
  /** Word of the record at hand in the window. */
  at = 0;

  constructor(spill: Spill, words: number, begin: number, end: number) {
    this.#spill = spill;
    this.#words = words;
    this.#next = begin;
    this.#end = end;
    this.window = new Uint32Array(Math.min(RECORDS_A_READ, end - begin) * words);
    this.at = -words;
  }

  /** False at the end of the run. */
  advance(): boolean {
    this.at += this.#words;
    if (this.at < this.#filled) return true;
    const count = Math.min(RECORDS_A_READ, this.#end - this.#next);
    if (count === 0) return false;
    this.#filled = count * this.#words;
    this.#spill.readInto("records", this.#next * this.#words, this.window.subarray(0, this.#filled));
    this.#next += count;
    this.at = 0;
    return true;
  }
}

/** All records of files of runs in order of their keys. Close it. */
export class RunMerge {
  readonly #shape: RecordShape;
  readonly #spills: Spill[] = [];
  readonly #readers: RunReader[] = [];
  /** A binary heap of readers, the least record first. */
  readonly #heap: number[] = [];
  readonly #record: Uint32Array;

  constructor(paths: readonly string[], kind: string, shape: RecordShape) {
    this.#shape = shape;
    this.#record = new Uint32Array(shape.words);
    try {
      for (const path of paths) this.#open(Spill.open(path, kind));
    } catch (error) {
      this.close();
      throw error;
    }
    for (let at = (this.#heap.length >>> 1) - 1; at >= 0; at -= 1) this.#sink(at);
  }

  #open(spill: Spill): void {
    this.#spills.push(spill);
    let begin = 0;
    for (const length of spill.column("runs", "u32")) {
      const reader = new RunReader(spill, this.#shape.words, begin, begin + length);
      begin += length;
      if (!reader.advance()) continue;
      this.#heap.push(this.#readers.length);
      this.#readers.push(reader);
    }
  }

  /** The least record that was not taken, valid until the next call; undefined at the end. */
  peek(): Uint32Array | undefined {
    if (this.#heap.length === 0) return undefined;
    const { window, at } = this.#readers[this.#heap[0]!]!;
    for (let word = 0; word < this.#record.length; word += 1) this.#record[word] = window[at + word]!;
    return this.#record;
  }

  /** Takes the least record. */
  skip(): void {
    if (!this.#readers[this.#heap[0]!]!.advance()) {
      const last = this.#heap.pop()!;
      if (this.#heap.length === 0) return;
      this.#heap[0] = last;
    }
    this.#sink(0);
  }

  close(): void {
    for (const spill of this.#spills) spill.close();
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const reader = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (!this.#isBefore(heap[child]!, reader)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = reader;
  }

  #isBefore(a: number, b: number): boolean {
    const [readerA, readerB] = [this.#readers[a]!, this.#readers[b]!];
    for (let word = 0; word < this.#shape.keyWords; word += 1) {
      const difference = readerA.window[readerA.at + word]! - readerB.window[readerB.at + word]!;
      if (difference !== 0) return difference < 0;
    }
    return a < b;
  }
}
