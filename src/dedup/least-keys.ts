// The rows with the least keys of a stream, in memory that does not depend on its length.

export class LeastKeys {
  readonly #capacity: number;
  #keys: Float64Array;
  #first: Uint32Array;
  #second: Uint32Array;
  #length = 0;
  /** Rows with larger keys need not be offered. */
  cutoff = Infinity;

  constructor(capacity: number) {
    this.#capacity = capacity;
    const room = Math.min(2 * capacity, 1024);
    this.#keys = new Float64Array(room);
    this.#first = new Uint32Array(room);
    this.#second = new Uint32Array(room);
  }

  add(key: number, first: number, second: number): void {
    if (key > this.cutoff) return;
    if (this.#length === this.#keys.length) this.#makeRoom();
    this.#keys[this.#length] = key;
    this.#first[this.#length] = first;
    this.#second[this.#length] = second;
    this.#length += 1;
  }

  /** The `capacity` rows with the least keys and any that tie with the last of them, in no order. */
  rows(): { readonly keys: Float64Array; readonly first: Uint32Array; readonly second: Uint32Array } {
    this.#keepLeast();
    const length = this.#length;
    return {
      keys: this.#keys.slice(0, length),
      first: this.#first.slice(0, length),
      second: this.#second.slice(0, length),
    };
  }

  #makeRoom(): void {
    this.#keepLeast();
    if (2 * this.#length <= this.#keys.length && this.#length >= this.#capacity) return;
    const [keys, first, second] = [this.#keys, this.#first, this.#second];
    const room = 2 * keys.length;
    this.#keys = new Float64Array(room);
    this.#first = new Uint32Array(room);
    this.#second = new Uint32Array(room);
    this.#keys.set(keys);
    this.#first.set(first);
    this.#second.set(second);
  }

  #keepLeast(): void {
    if (this.#length <= this.#capacity) return;
    this.cutoff = this.#keys.slice(0, this.#length).sort()[this.#capacity - 1]!;
    let kept = 0;
    for (let i = 0; i < this.#length; i += 1) {
      if (this.#keys[i]! > this.cutoff) continue;
      this.#keys[kept] = this.#keys[i]!;
      this.#first[kept] = this.#first[i]!;
      this.#second[kept] = this.#second[i]!;
      kept += 1;
    }
    this.#length = kept;
  }
}
