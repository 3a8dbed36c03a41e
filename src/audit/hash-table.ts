// Hashes of strings and a table from hash to row, for as many rows as there are documents: 8 bytes of hash and about 8 of index
// a row, in typed arrays. 64 bits: among 100 million rows two different strings meet with a probability of 3e-4.

/** Two independent 32-bit halves; valid until the next call. */
export interface Hash64 {
  low: number;
  high: number;
}

const hash: Hash64 = { low: 0, high: 0 };

/** Multiplication and rotation by code unit, then the finaliser of MurmurHash3 on each half. */
export function hashString(text: string): Hash64 {
  let low = text.length ^ 0x243f6a88;
  let high = text.length ^ 0x13198a2e;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x9e3779b1);
    high = Math.imul(high ^ code, 0x85ebca77);
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  return finish(low, high);
}

export function hashBytes(bytes: Uint8Array): Hash64 {
  let low = bytes.length ^ 0x243f6a88;
  let high = bytes.length ^ 0x13198a2e;
  for (let i = 0; i < bytes.length; i += 1) {
    low = Math.imul(low ^ bytes[i]!, 0x9e3779b1);
    high = Math.imul(high ^ bytes[i]!, 0x85ebca77);
    low ^= low >>> 15;
    high ^= high >>> 13;
  }
  return finish(low, high);
}

function finish(low: number, high: number): Hash64 {
  hash.low = mix(low ^ Math.imul(high, 0x27d4eb2f)) >>> 0;
  hash.high = mix(high ^ Math.imul(low, 0x165667b1)) >>> 0;
  return hash;
}

function mix(value: number): number {
  let x = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}

const INITIAL_ROWS = 2 ** 12;

/** Rows 0, 1, 2, ... by hash; of several rows with one hash the first is found. */
export class HashTable {
  #low = new Uint32Array(INITIAL_ROWS);
  #high = new Uint32Array(INITIAL_ROWS);
  /** Open addressing; row + 1, 0 for none. */
  #slots = new Uint32Array(2 * INITIAL_ROWS);
  #numRows = 0;

  get numRows(): number {
    return this.#numRows;
  }

  /** The first row with this hash, or undefined. */
  find({ low, high }: Hash64): number | undefined {
    const row = this.#slots[this.#slotOf(low, high)]!;
    return row === 0 ? undefined : row - 1;
  }

  /** Adds the next row; returns the first row that has its hash, itself when it is the only one. */
  add({ low, high }: Hash64): number {
    if (this.#numRows === this.#low.length) this.#grow();
    const row = this.#numRows;
    this.#low[row] = low;
    this.#high[row] = high;
    this.#numRows += 1;
    const slot = this.#slotOf(low, high);
    if (this.#slots[slot] === 0) this.#slots[slot] = row + 1;
    return this.#slots[slot]! - 1;
  }

  hashOf(row: number): Hash64 {
    hash.low = this.#low[row]!;
    hash.high = this.#high[row]!;
    return hash;
  }

  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]!;
      if (row === 0 || (this.#low[row - 1] === low && this.#high[row - 1] === high)) return slot;
    }
  }

  #grow(): void {
    const capacity = 2 * this.#low.length;
    this.#low = widened(this.#low, capacity);
    this.#high = widened(this.#high, capacity);
    this.#slots = new Uint32Array(2 * capacity);
    for (let row = 0; row < this.#numRows; row += 1) {
      const slot = this.#slotOf(this.#low[row]!, this.#high[row]!);
      if (this.#slots[slot] === 0) this.#slots[slot] = row + 1;
    }
  }
}

export function widened<A extends Uint8Array | Uint32Array | Float64Array>(array: A, length: number): A {
  const larger = new (array.constructor as new (length: number) => A)(length);
  larger.set(array);
  return larger;
}
