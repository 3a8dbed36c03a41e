// A typed array that grows: per-document tables hold numbers, never objects.

export class GrowableUint32 {
  #values: Uint32Array;
  #length = 0;

  constructor(capacity = 1024) {
    this.#values = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Uint32Array(this.#length * 2);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  clear(): void {
    this.#length = 0;
  }

  /** Shares memory: valid until the next push. */
  view(): Uint32Array {
    return this.#values.subarray(0, this.#length);
  }

  /** Pairs of words, low before high, as 64-bit values. Shares memory. */
  view64(): BigUint64Array {
    return new BigUint64Array(this.#values.buffer, 0, this.#length / 2);
  }
}
