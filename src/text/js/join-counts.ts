// What a counted join knows of shingles beforehand: which occur in more than one set, and about how often. It decides how
// fast the join is, never what it finds.
import { leastOverlapWithAny, type Ratio } from "./jaccard.js";
import { halvesOf } from "./sets.js";

const MAX_COUNT = 0xffffffff;

export class ShingleCounts {
  readonly #threshold: Ratio;
  /** Two bits a counter that stop at 3: by the upper bits of the hash. */
  readonly #seen: Uint8Array | undefined;
  readonly #seenShift: number;
  readonly #counters: Uint32Array | undefined;
  readonly #counterShift: number;

  constructor(threshold: Ratio, seenBits: number, counterBits: number) {
    this.#threshold = threshold;
    this.#seen = seenBits === 0 ? undefined : new Uint8Array(Math.max(1, 2 ** seenBits / 4));
    this.#seenShift = 32 - seenBits;
    this.#counters = counterBits === 0 ? undefined : new Uint32Array(2 ** counterBits);
    this.#counterShift = 32 - counterBits;
  }

  count(hashes: BigUint64Array): void {
    const seen = this.#seen;
    if (seen === undefined) return;
    const halves = halvesOf(hashes);
    for (let i = 1; i < halves.length; i += 2) {
      const at = halves[i]! >>> this.#seenShift;
      const shift = (at & 3) << 1;
      if (((seen[at >>> 2]! >> shift) & 3) < 3) seen[at >>> 2]! += 1 << shift;
    }
  }

  /** Whether a shingle may occur in another set too. */
  isShared(high: number): boolean {
    if (this.#seen === undefined) return true;
    const at = high >>> this.#seenShift;
    return ((this.#seen[at >>> 2]! >> ((at & 3) << 1)) & 3) > 1;
  }

  /** 0 for shingles of one set alone. */
  rarity(high: number): number {
    if (this.#counters === undefined || !this.isShared(high)) return 0;
    return this.#counters[high >>> this.#counterShift]!;
  }

  select(hashes: BigUint64Array, offsets: Uint32Array): Uint8Array {
    const halves = halvesOf(hashes);
    const selected = new Uint8Array(offsets.length - 1);
    for (let row = 0; row < selected.length; row += 1) {
      const [begin, end] = [offsets[row]!, offsets[row + 1]!];
      let shared = 0;
      for (let i = begin; i < end; i += 1) if (this.isShared(halves[2 * i + 1]!)) shared += 1;
      if (shared < leastOverlapWithAny(end - begin, this.#threshold)) continue;
      selected[row] = 1;
      this.#countShared(halves, begin, end);
    }
    return selected;
  }

  #countShared(halves: Uint32Array, begin: number, end: number): void {
    const counters = this.#counters;
    if (counters === undefined) return;
    for (let i = begin; i < end; i += 1) {
      const high = halves[2 * i + 1]!;
      const at = high >>> this.#counterShift;
      if (this.isShared(high) && counters[at]! < MAX_COUNT) counters[at]! += 1;
    }
  }
}
