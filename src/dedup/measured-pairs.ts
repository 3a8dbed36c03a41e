// The exact similarity of the sample's pairs, and which of them the bands find.
import type { DedupEngine } from "../text/engine.js";
import { GrowableUint32 } from "./growable.js";
import type { Numbering } from "./numbering.js";
import type { Scratch } from "./scratch.js";
import { findSets, type SetPlaces, SetReader } from "./set-reader.js";
import { BlockSpills } from "./spills.js";
import type { Ratio } from "./threshold.js";

/** Columns of pairs of documents. */
export interface Pairs {
  readonly lower: Uint32Array;
  readonly higher: Uint32Array;
}

/** Pairs that are not above the similarity asked for have no intersection here. */
export interface MeasuredPairs extends Pairs {
  readonly intersection: Uint32Array;
  readonly union: Uint32Array;
}

/** Where the documents of pairs stand in the ascending list of them all. */
interface Places {
  readonly documents: Uint32Array;
  readonly lower: Uint32Array;
  readonly higher: Uint32Array;
}

function placesOf({ lower, higher }: Pairs): Places {
  const all = new Uint32Array(2 * lower.length);
  all.set(lower);
  all.set(higher, lower.length);
  const documents = all.sort().filter((document, i) => i === 0 || document !== all[i - 1]);
  const placeOf = new Map<number, number>();
  for (const [place, document] of documents.entries()) placeOf.set(document, place);
  return {
    documents,
    lower: lower.map((document) => placeOf.get(document)!),
    higher: higher.map((document) => placeOf.get(document)!),
  };
}

/** `pairs` by lower document: the sets of some of them are in memory at a time, `maxShingles` or one pair's. */
export function measurePairs(
  workDir: string,
  numbering: Numbering,
  pairs: Pairs,
  above: Ratio,
  maxShingles: number,
  engine: DedupEngine,
  scratch: Scratch,
): MeasuredPairs {
  const { documents, lower, higher } = placesOf(pairs);
  const sets = findSets(workDir, numbering, documents);
  const reader = new SetReader(workDir, numbering);
  const intersection = new Uint32Array(lower.length);
  try {
    const batch = new SetBatch(reader, sets, scratch.u64("sets", maxShingles));
    let first = 0;
    for (let i = 0; i < lower.length; i += 1) {
      if (!batch.hasRoom(lower[i]!, higher[i]!)) {
        intersection.set(batch.intersect(engine, above), first);
        first = i;
      }
      batch.add(lower[i]!, higher[i]!);
    }
    intersection.set(batch.intersect(engine, above), first);
  } finally {
    reader.close();
  }
  const union = intersection.map((common, i) => sets.sizes[lower[i]!]! + sets.sizes[higher[i]!]! - common);
  return { lower: pairs.lower, higher: pairs.higher, intersection, union };
}

class SetBatch {
  readonly #reader: SetReader;
  readonly #sets: SetPlaces;
  #hashes: BigUint64Array;
  /** By place: the number of its set in the batch. */
  readonly #numbers = new Map<number, number>();
  readonly #offsets = new GrowableUint32();
  readonly #pairs = new GrowableUint32();
  #used = 0;

  constructor(reader: SetReader, sets: SetPlaces, hashes: BigUint64Array) {
    this.#reader = reader;
    this.#sets = sets;
    this.#hashes = hashes;
    this.#offsets.push(0);
  }

  hasRoom(a: number, b: number): boolean {
    return this.#used === 0 || this.#used + this.#more(a) + this.#more(b) <= this.#hashes.length;
  }

  add(a: number, b: number): void {
    const needed = this.#used + this.#more(a) + this.#more(b);
    if (needed > this.#hashes.length) {
      const larger = new BigUint64Array(needed);
      larger.set(this.#hashes.subarray(0, this.#used));
      this.#hashes = larger;
    }
    this.#pairs.push(this.#numberOf(a));
    this.#pairs.push(this.#numberOf(b));
  }

  /** Of the pairs added since the last call. */
  intersect(engine: DedupEngine, { numerator, denominator }: Ratio): Uint32Array {
    const [offsets, pairs] = [this.#offsets.view(), this.#pairs.view()];
    const common = engine.intersectAbove(this.#hashes, offsets, pairs, numerator, denominator);
    this.#numbers.clear();
    this.#offsets.clear();
    this.#offsets.push(0);
    this.#pairs.clear();
    this.#used = 0;
    return common;
  }

  #more(place: number): number {
    return this.#numbers.has(place) ? 0 : this.#sets.sizes[place]!;
  }

  #numberOf(place: number): number {
    let number = this.#numbers.get(place);
    if (number === undefined) {
      number = this.#numbers.size;
      const end = this.#used + this.#sets.sizes[place]!;
      const target = this.#hashes.subarray(this.#used, end);
      this.#reader.readInto(this.#sets.blocks[place]!, this.#sets.offsets[place]!, target);
      this.#numbers.set(place, number);
      this.#offsets.push(end);
      this.#used = end;
    }
    return number;
  }
}

/** Bands looked at together: pairs that share one of them are done, which leaves fewer documents for the next. */
const BANDS_A_ROUND = 6;
/** Keys of one band that are read at a time. */
const KEYS_A_READ = 2 ** 10;

/** 1 for pairs that have a key in common in one of the bands. */
export function findSharedBands(workDir: string, numbering: Numbering, pairs: Pairs, numBands: number): Uint8Array {
  const shared = new Uint8Array(pairs.lower.length);
  const spills = new BlockSpills(workDir, "signatures", numbering);
  try {
    findIn(spills, numbering, pairs, numBands, shared);
  } finally {
    spills.close();
  }
  return shared;
}

function findIn(spills: BlockSpills, numbering: Numbering, pairs: Pairs, numBands: number, shared: Uint8Array): void {
  const window = new BigUint64Array(KEYS_A_READ);
  for (let band = 0; band < numBands; band += BANDS_A_ROUND) {
    const open = Uint32Array.from(shared.keys()).filter((i) => shared[i] === 0);
    if (open.length === 0) break;
    const { documents, lower, higher } = placesOf({
      lower: open.map((i) => pairs.lower[i]!),
      higher: open.map((i) => pairs.higher[i]!),
    });
    const bands = Array.from({ length: Math.min(BANDS_A_ROUND, numBands - band) }, (_, i) => band + i);
    for (const keys of readKeys(spills, numbering, documents, bands, window)) {
      for (const [i, pair] of open.entries()) {
        const [a, b] = [2 * lower[i]!, 2 * higher[i]!];
        if (keys[a] === keys[b] && keys[a + 1] === keys[b + 1]) shared[pair] = 1;
      }
    }
  }
}

/** For each of the bands: the keys of the documents, ascending, as halves. */
function readKeys(
  spills: BlockSpills,
  { blocks }: Numbering,
  documents: Uint32Array,
  bands: readonly number[],
  window: BigUint64Array,
): Uint32Array[] {
  const halves = new Uint32Array(window.buffer);
  const keys = bands.map(() => new Uint32Array(2 * documents.length));
  let first = 0;
  for (const [index, { base, numDocuments }] of blocks.entries()) {
    if (first === documents.length || documents[first]! >= base + numDocuments) continue;
    let last = first;
    while (last < documents.length && documents[last]! < base + numDocuments) last += 1;
    const spill = spills.at(index);
    for (const [i, band] of bands.entries()) {
      let begin = 0;
      let end = 0;
      for (let place = first; place < last; place += 1) {
        const row = documents[place]! - base;
        if (row >= end) {
          begin = row;
          end = Math.min(row + KEYS_A_READ, numDocuments);
          spill.readInto(`band-${band}`, begin, window.subarray(0, end - begin));
        }
        keys[i]![2 * place] = halves[2 * (row - begin)]!;
        keys[i]![2 * place + 1] = halves[2 * (row - begin) + 1]!;
      }
    }
    first = last;
  }
  return keys;
}
