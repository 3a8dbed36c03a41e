// Who survives: one pass over candidates in their total order. A document goes when a kept one before it is above the
// threshold with it, so survivors form stars, never chains. Two streams in that order are merged: edges by their earlier
// document, and members of the crowd, each compared by the join with the kept members before it.
//
// The join holds only so many sets. When it is full the members that follow are still compared with all it holds, to the
// last; then it is emptied, and the pass goes on where it filled up. So every member meets every kept one before it, and
// memory bounds how often the crowd is read, not what is found.
import type { DedupEngine } from "../text/engine.js";
import type { Bitmap } from "./bitmap.js";
import type { Crowd } from "./crowd.js";
import { MEMBER } from "./crowd.js";
import { GrowableUint32 } from "./growable.js";
import { type RecordShape, RunMerge, type RunWriter } from "./runs.js";
import type { Scratch } from "./scratch.js";
import { compareKeys, KEY_WORDS, type SetReader } from "./set-reader.js";

/** Removed document, kept document, sizes of intersection and union, and when in the pass the kept one had its turn. */
export const WITNESS: RecordShape = { keyWords: 1, words: 5 };

export interface StarInputs {
  readonly edges: RunMerge;
  readonly crowd: Crowd | undefined;
  readonly sets: SetReader;
  readonly engine: DedupEngine;
  readonly shinglesABatch: number;
  /** Empty at first. */
  readonly removed: Bitmap;
  /** Takes a WITNESS for every removed document and every kept one that it is above the threshold with. */
  readonly witnesses: RunWriter;
}

/** Returns how many pairs above the threshold the join found. */
export async function decideStar(inputs: StarInputs, scratch: Scratch): Promise<number> {
  const pass = new StarPass(inputs, scratch);
  await pass.run();
  return pass.numJoined;
}

class StarPass {
  readonly #inputs: StarInputs;
  readonly #scratch: Scratch;
  readonly #record = new Uint32Array(WITNESS.words);
  /** Turns taken: ascending along the total order. */
  #turn = 0;
  /** By number in the join: the document and its turn. */
  readonly #documents = new GrowableUint32();
  readonly #turns = new GrowableUint32();
  numJoined = 0;

  constructor(inputs: StarInputs, scratch: Scratch) {
    this.#inputs = inputs;
    this.#scratch = scratch;
  }

  async run(): Promise<void> {
    const { crowd, engine } = this.#inputs;
    let decided = 0;
    while (crowd !== undefined) {
      const members = new MemberStream(crowd.path, this.#inputs.sets, this.#inputs.shinglesABatch);
      try {
        members.skip(decided);
        const isFull = await this.#decide(crowd, members);
        decided = members.numTaken;
        if (isFull) await this.#compareRest(crowd, members);
        else break;
      } finally {
        members.close();
      }
      engine.clearJoin(crowd.join);
      this.#documents.clear();
      this.#turns.clear();
    }
    for (let edge = this.#inputs.edges.peek(); edge !== undefined; edge = this.#inputs.edges.peek()) {
      await this.#apply(edge);
    }
  }

  /** True when the join is full: the member that found no room is not taken. */
  async #decide(crowd: Crowd, members: MemberStream): Promise<boolean> {
    const { edges, engine, removed } = this.#inputs;
    for (let member = members.peek(); member !== undefined; member = members.peek()) {
      const edge = edges.peek();
      if (edge !== undefined && compareKeys(edge, 0, member, 0) < 0) {
        await this.#apply(edge);
        continue;
      }
      // An edge's own earlier document is decided before the edge is looked at, and its later ones after it.
      const batch = members.batch(this.#scratch, edge);
      const barred = Uint8Array.from(batch.documents, (document) => (removed.has(document) ? 1 : 0));
      const numbers = batch.documents.map((_, row) => this.#documents.length + row);
      const { numTaken, matches } = engine.joinSets(crowd.join, numbers, batch.hashes, batch.offsets, "kept", barred);
      for (const document of batch.documents.subarray(0, numTaken)) {
        this.#documents.push(document);
        this.#turns.push(this.#turn);
        this.#turn += 1;
      }
      await this.#removeAll(batch.documents, matches);
      members.take(numTaken);
      if (numTaken < batch.documents.length) return true;
    }
    return false;
  }

  async #compareRest(crowd: Crowd, members: MemberStream): Promise<void> {
    const none = new Uint8Array(0);
    while (members.peek() !== undefined) {
      const { documents, hashes, offsets } = members.batch(this.#scratch, undefined);
      const numbers = new Uint32Array(documents.length);
      const { matches } = this.#inputs.engine.joinSets(crowd.join, numbers, hashes, offsets, "none", none);
      await this.#removeAll(documents, matches);
      members.take(documents.length);
    }
  }

  /** An edge removes its later document when its earlier one is kept. */
  async #apply(edge: Uint32Array): Promise<void> {
    const { edges, removed } = this.#inputs;
    const earlier = edge[KEY_WORDS]!;
    if (!removed.has(earlier)) {
      await this.#remove(edge[KEY_WORDS + 1]!, earlier, edge[KEY_WORDS + 2]!, edge[KEY_WORDS + 3]!, this.#turn);
      this.#turn += 1;
    }
    edges.skip();
  }

  async #removeAll(documents: Uint32Array, matches: Uint32Array): Promise<void> {
    const [kept, turns] = [this.#documents.view(), this.#turns.view()];
    for (let i = 0; i < matches.length; i += 4) {
      const number = matches[i + 1]!;
      await this.#remove(documents[matches[i]!]!, kept[number]!, matches[i + 2]!, matches[i + 3]!, turns[number]!);
    }
    this.numJoined += matches.length / 4;
  }

  async #remove(document: number, witness: number, intersection: number, union: number, turn: number): Promise<void> {
    const { removed, witnesses } = this.#inputs;
    removed.add(document);
    this.#record.set([document, witness, intersection, union, turn]);
    witnesses.push(this.#record);
    if (witnesses.isFull) await witnesses.flush();
  }
}

interface MemberBatch {
  readonly documents: Uint32Array;
  readonly hashes: BigUint64Array;
  readonly offsets: Uint32Array;
}

/** The crowd in the total order, some sets at a time. */
class MemberStream {
  readonly #merge: RunMerge;
  readonly #sets: SetReader;
  readonly #shinglesABatch: number;
  /** Members that were read ahead and not taken: in one array, for there are as many as a corpus has documents. */
  #ahead = new Uint32Array(256 * MEMBER.words);
  #numAhead = 0;
  numTaken = 0;

  constructor(path: string, sets: SetReader, shinglesABatch: number) {
    this.#merge = new RunMerge([path], "runs", MEMBER);
    this.#sets = sets;
    this.#shinglesABatch = shinglesABatch;
  }

  skip(count: number): void {
    for (let i = 0; i < count; i += 1) this.#merge.skip();
    this.numTaken += count;
  }

  peek(): Uint32Array | undefined {
    return this.#numAhead > 0 ? this.#ahead : this.#merge.peek();
  }

  /** The next members that do not come after the edge's earlier document; one at least. Not taken yet. */
  batch(scratch: Scratch, edge: Uint32Array | undefined): MemberBatch {
    this.#readAhead(edge);
    const documents = new Uint32Array(this.#numAhead);
    const offsets = new Uint32Array(this.#numAhead + 1);
    for (let i = 0; i < this.#numAhead; i += 1) offsets[i + 1] = offsets[i]! + this.#word(i, 3);
    const hashes = scratch.u64("sets", offsets[this.#numAhead]!);
    for (let i = 0; i < this.#numAhead; i += 1) {
      documents[i] = this.#word(i, 0);
      this.#sets.readInto(this.#word(i, 1), this.#word(i, 2), hashes.subarray(offsets[i]!, offsets[i + 1]!));
    }
    return { documents, hashes, offsets };
  }

  take(count: number): void {
    this.#ahead.copyWithin(0, count * MEMBER.words, this.#numAhead * MEMBER.words);
    this.#numAhead -= count;
    this.numTaken += count;
  }

  close(): void {
    this.#merge.close();
  }

  /** Of what follows the key in a record read ahead. */
  #word(member: number, word: number): number {
    return this.#ahead[member * MEMBER.words + KEY_WORDS + word]!;
  }

  #readAhead(edge: Uint32Array | undefined): void {
    let shingles = 0;
    for (let i = 0; i < this.#numAhead; i += 1) shingles += this.#word(i, 3);
    for (let member = this.#merge.peek(); member !== undefined; member = this.#merge.peek()) {
      shingles += member[KEY_WORDS + 3]!;
      if (this.#numAhead > 0) {
        if (shingles > this.#shinglesABatch) break;
        if (edge !== undefined && compareKeys(member, 0, edge, 0) > 0) break;
      }
      const at = this.#numAhead * MEMBER.words;
      if (at === this.#ahead.length) {
        const larger = new Uint32Array(at * 2);
        larger.set(this.#ahead);
        this.#ahead = larger;
      }
      this.#ahead.set(member, at);
      this.#numAhead += 1;
      this.#merge.skip();
    }
  }
}
