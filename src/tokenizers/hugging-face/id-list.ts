// Ids as they are found: a growing array.

export class IdList {
  #ids = new Int32Array(1 << 10);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(id: number): void {
    if (this.#length === this.#ids.length) this.#grow(1);
    this.#ids[this.#length] = id;
    this.#length += 1;
  }

  pushAll(ids: Int32Array): void {
    if (this.#length + ids.length > this.#ids.length) this.#grow(ids.length);
    this.#ids.set(ids, this.#length);
    this.#length += ids.length;
  }

  /** A copy of the ids from `begin` on. */
  from(begin: number): Int32Array {
    return this.#ids.slice(begin, this.#length);
  }

  #grow(wanted: number): void {
    const grown = new Int32Array(Math.max(this.#ids.length * 2, this.#length + wanted));
    grown.set(this.#ids.subarray(0, this.#length));
    this.#ids = grown;
  }
}
