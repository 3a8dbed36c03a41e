// Merges of a BPE vocabulary applied to one piece: always the pair of the least rank, of equal ones the leftmost.
// Short pieces are searched again after each merge; for long ones a heap of (rank, place) makes it n log n.

const MOST_SEARCHED = 24;
/** Rank and place share a double: 2^24 ranks, 2^29 places. */
const PLACES = 2 ** 29;
const NONE = -1;

export class BpeMerging {
  /** Rank by left id, then by right id. */
  readonly #ranks: (Map<number, number> | undefined)[] = [];
  readonly #made: number[] = [];

  /** Merges in order of rank: a later one replaces an equal one. */
  constructor(merges: Iterable<readonly [left: number, right: number, made: number]>) {
    for (const [left, right, made] of merges) {
      const ranks = this.#ranks[left] ?? new Map<number, number>();
      this.#ranks[left] = ranks;
      ranks.set(right, this.#made.length);
      this.#made.push(made);
    }
  }

  /** Merges ids[0 .. length) in place; returns how many are left, at the beginning. */
  apply(ids: Int32Array, length: number): number {
    return length <= MOST_SEARCHED ? this.#search(ids, length) : this.#heap(ids, length);
  }

  #rankOf(left: number, right: number): number {
    return this.#ranks[left]?.get(right) ?? NONE;
  }

  #search(ids: Int32Array, length: number): number {
    const ranks: number[] = [];
    for (let i = 0; i + 1 < length; i += 1) ranks.push(this.#rankOf(ids[i]!, ids[i + 1]!));
    let left = length;
    for (;;) {
      let best = NONE;
      for (let i = 0; i < left - 1; i += 1) {
        if (ranks[i] !== NONE && (best === NONE || ranks[i]! < ranks[best]!)) best = i;
      }
      if (best === NONE) return left;
      ids[best] = this.#made[ranks[best]!]!;
      ids.copyWithin(best + 1, best + 2, left);
      ranks.splice(best, 1);
      left -= 1;
      if (best > 0) ranks[best - 1] = this.#rankOf(ids[best - 1]!, ids[best]!);
      if (best < left - 1) ranks[best] = this.#rankOf(ids[best]!, ids[best + 1]!);
    }
  }

  #heap(ids: Int32Array, length: number): number {
    const next = new Int32Array(length);
    const previous = new Int32Array(length);
    const heap = new MinHeap(length);
    for (let i = 0; i < length; i += 1) {
      next[i] = i + 1 < length ? i + 1 : NONE;
      previous[i] = i - 1;
    }
    const consider = (place: number): void => {
      const right = next[place]!;
      const rank = right === NONE ? NONE : this.#rankOf(ids[place]!, ids[right]!);
      if (rank !== NONE) heap.push(rank * PLACES + place);
    };
    for (let i = 0; i + 1 < length; i += 1) consider(i);
    for (let top = heap.pop(); top !== undefined; top = heap.pop()) {
      const rank = Math.floor(top / PLACES);
      const place = top - rank * PLACES;
      const right = next[place]!;
      // What was in the heap may have been merged since; a place that is gone has no id.
      if (ids[place] === NONE || right === NONE || this.#rankOf(ids[place]!, ids[right]!) !== rank) continue;
      ids[place] = this.#made[rank]!;
      ids[right] = NONE;
      const after = next[right]!;
      next[place] = after;
      if (after !== NONE) previous[after] = place;
      if (previous[place] !== NONE) consider(previous[place]!);
      consider(place);
    }
    let left = 0;
    for (let i = 0; i < length; i += 1) {
      if (ids[i] === NONE) continue;
      ids[left] = ids[i]!;
      left += 1;
    }
    return left;
  }
}

class MinHeap {
  #keys: Float64Array;
  #length = 0;

  constructor(capacity: number) {
    this.#keys = new Float64Array(capacity);
  }

  push(key: number): void {
    if (this.#length === this.#keys.length) {
      const grown = new Float64Array(this.#keys.length * 2);
      grown.set(this.#keys);
      this.#keys = grown;
    }
    const keys = this.#keys;
    let i = this.#length;
    this.#length += 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[i] = keys[parent]!;
      i = parent;
    }
    keys[i] = key;
  }

  pop(): number | undefined {
    if (this.#length === 0) return undefined;
    const keys = this.#keys;
    const top = keys[0]!;
    this.#length -= 1;
    const key = keys[this.#length]!;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= this.#length) break;
      if (child + 1 < this.#length && keys[child + 1]! < keys[child]!) child += 1;
      if (keys[child]! >= key) break;
      keys[i] = keys[child]!;
      i = child;
    }
    keys[i] = key;
    return top;
  }
}
