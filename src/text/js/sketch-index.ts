// Joins a sample of documents with others by their sketches: what native/text/sketch_join.h does, pair for pair.
import { invariant } from "../../base/errors.js";
import { SKETCH_SIZE } from "../../native/dedup.js";
import type { NativeSketchIndex } from "../../native/sketch-join.js";

/** What stands in a sketch after its last value. */
const END = 0xffffffff;
const PLACE_RANGE = 2 ** 20;

class SketchIndex {
  readonly #sampled: Uint32Array;
  /** Values in each sampled sketch. */
  readonly #sizes: Uint8Array;
  /** Places of sampled documents, by value. */
  readonly #holders: Uint32Array;
  /** By value: where its holders begin, and end. */
  readonly #ranges = new Map<number, { readonly begin: number; end: number }>();
  /** By place: values in common with the row at hand; and the places that have any. */
  readonly #common: Uint8Array;
  readonly #touched: Uint32Array;

  constructor(sketches: Uint32Array) {
    this.#sampled = sketches.slice();
    const numSampled = sketches.length / SKETCH_SIZE;
    invariant(numSampled <= PLACE_RANGE, `expected at most ${PLACE_RANGE} sampled documents`);
    this.#sizes = Uint8Array.from({ length: numSampled }, (_, place) => sizeOf(sketches, place));
    this.#common = new Uint8Array(numSampled);
    this.#touched = new Uint32Array(numSampled);
    // (value, place) as one number: exact below 2^53.
    const entries = new Float64Array(this.#sizes.reduce((sum, size) => sum + size, 0));
    let filled = 0;
    for (const [place, size] of this.#sizes.entries()) {
      for (let i = 0; i < size; i += 1) {
        entries[filled] = sketches[place * SKETCH_SIZE + i]! * PLACE_RANGE + place;
        filled += 1;
      }
    }
    this.#holders = new Uint32Array(filled);
    for (const [i, entry] of entries.sort().entries()) {
      this.#holders[i] = entry % PLACE_RANGE;
      const value = Math.floor(entry / PLACE_RANGE);
      const range = this.#ranges.get(value);
      if (range === undefined) this.#ranges.set(value, { begin: i, end: i + 1 });
      else range.end = i + 1;
    }
  }

  match(sketches: Uint32Array, taken: Uint8Array, minLevel: number): Uint32Array {
    const matches: number[] = [];
    for (let row = 0; row < taken.length; row += 1) {
      if (taken[row] === 0) continue;
      const numTouched = this.#countCommon(sketches, row);
      if (numTouched === 0) continue;
      const size = sizeOf(sketches, row);
      for (const place of this.#touched.subarray(0, numTouched)) {
        const common = this.#common[place]!;
        this.#common[place] = 0;
        const together = this.#sizes[place]! + size - common;
        const level =
          together < SKETCH_SIZE
            ? Math.floor((SKETCH_SIZE * common) / together)
            : commonAmongLeast(this.#sampled, place, sketches, row);
        if (level >= Math.max(minLevel, 1)) matches.push(place, row, level);
      }
    }
    return Uint32Array.from(matches);
  }

  #countCommon(sketches: Uint32Array, row: number): number {
    let numTouched = 0;
    for (let i = row * SKETCH_SIZE; i < (row + 1) * SKETCH_SIZE; i += 1) {
      const range = this.#ranges.get(sketches[i]!);
      if (range === undefined) continue;
      for (const place of this.#holders.subarray(range.begin, range.end)) {
        if (this.#common[place] === 0) {
          this.#touched[numTouched] = place;
          numTouched += 1;
        }
        this.#common[place]! += 1;
      }
    }
    return numTouched;
  }
}

/** Of the least SKETCH_SIZE values of two sketches with at least as many together, how many are in both. */
function commonAmongLeast(a: Uint32Array, rowA: number, b: Uint32Array, rowB: number): number {
  let common = 0;
  let [atA, atB] = [rowA * SKETCH_SIZE, rowB * SKETCH_SIZE];
  for (let least = 0; least < SKETCH_SIZE; least += 1) {
    const order = a[atA]! - b[atB]!;
    if (order === 0) common += 1;
    if (order <= 0) atA += 1;
    if (order >= 0) atB += 1;
  }
  return common;
}

function sizeOf(sketches: Uint32Array, row: number): number {
  let size = SKETCH_SIZE;
  while (size > 0 && sketches[row * SKETCH_SIZE + size - 1] === END) size -= 1;
  return size;
}

export function createSketchIndex(sketches: Uint32Array): NativeSketchIndex {
  return new SketchIndex(sketches) as unknown as NativeSketchIndex;
}

export function matchSketches(
  index: NativeSketchIndex,
  sketches: Uint32Array,
  taken: Uint8Array,
  minLevel: number,
): Uint32Array {
  return (index as unknown as SketchIndex).match(sketches, taken, minLevel);
}
