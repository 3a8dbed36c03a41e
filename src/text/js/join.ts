// The exact join: sets against the sets kept so far, all pairs above a threshold and no others.
import { invariant } from "../../base/errors.js";
import type { JoinedSets, JoinOptions } from "../../native/candidates.js";
import { intersectionSize, leastOverlap, type Ratio } from "./jaccard.js";
import { ShingleCounts } from "./join-counts.js";
import { JoinIndex } from "./join-index.js";
import { halvesOf } from "./sets.js";

/** A kept set's typed array and its place in the list, in the JavaScript engine's own bytes: about. */
const SET_OVERHEAD_BYTES = 256;

export class Join {
  readonly #threshold: Ratio;
  readonly #capacityBytes: number;
  readonly #counts: ShingleCounts;
  #index: JoinIndex;
  /** By entry of the index. */
  #sets: Uint32Array[] = [];
  #setBytes = 0;

  constructor({ numerator, denominator, seenBits, counterBits, capacityBytes }: JoinOptions) {
    invariant(
      numerator >= 0 && numerator < denominator,
      `expected a threshold below 1, got ${numerator}/${denominator}`,
    );
    this.#threshold = { numerator, denominator };
    this.#capacityBytes = capacityBytes;
    this.#counts = new ShingleCounts(this.#threshold, seenBits, counterBits);
    this.#index = new JoinIndex(this.#counts, this.#threshold);
  }

  count(hashes: BigUint64Array): void {
    this.#counts.count(hashes);
  }

  select(hashes: BigUint64Array, offsets: Uint32Array): Uint8Array {
    return this.#counts.select(hashes, offsets);
  }

  join(
    numbers: Uint32Array,
    hashes: BigUint64Array,
    offsets: Uint32Array,
    put: "all" | "kept" | "none",
    barred: Uint8Array,
  ): JoinedSets {
    const halves = halvesOf(hashes);
    const matches: number[] = [];
    for (let row = 0; row < numbers.length; row += 1) {
      const set = halves.subarray(2 * offsets[row]!, 2 * offsets[row + 1]!);
      const before = matches.length;
      this.#compare(row, set, matches);
      const isPut = put === "all" || (put === "kept" && matches.length === before && (barred[row] ?? 0) === 0);
      if (!isPut) continue;
      if (!this.#hasRoom(set)) {
        matches.length = before;
        return { numTaken: row, matches: Uint32Array.from(matches) };
      }
      this.#put(numbers[row]!, set);
    }
    return { numTaken: numbers.length, matches: Uint32Array.from(matches) };
  }

  clear(): void {
    this.#index = new JoinIndex(this.#counts, this.#threshold);
    this.#sets = [];
    this.#setBytes = 0;
  }

  #compare(row: number, set: Uint32Array, matches: number[]): void {
    const range = { halves: set, begin: 0, end: set.length / 2 };
    for (const entry of this.#index.probe(set)) {
      const other = this.#sets[entry]!;
      const [size, otherSize] = [range.end, other.length / 2];
      const common = intersectionSize(range, { halves: other, begin: 0, end: otherSize });
      if (common < leastOverlap(size, otherSize, this.#threshold)) continue;
      matches.push(row, this.#index.numberOf(entry), common, size + otherSize - common);
    }
  }

  #hasRoom({ length }: Uint32Array): boolean {
    // With its own postings, at most one a shingle.
    const more = 4 * length + SET_OVERHEAD_BYTES + 6 * length;
    return this.#sets.length === 0 || this.#index.sizeBytes + this.#setBytes + more <= this.#capacityBytes;
  }

  #put(number: number, set: Uint32Array): void {
    this.#index.insert(set, number);
    this.#sets.push(set.slice());
    this.#setBytes += 4 * set.length + SET_OVERHEAD_BYTES;
  }
}
