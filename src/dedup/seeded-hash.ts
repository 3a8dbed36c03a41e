// Seeded hashes of content hashes: who is sampled, and what is left out where there is too much, depends on what documents
// say and on the seed, never on where they stand.

/** A permutation of 32 bits in which every bit of the input moves every bit of the output. */
export function mix32(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

/** Hashes independent of one another for different purposes: a purpose is any constant. */
export class ContentHasher {
  readonly #first: number;
  readonly #second: number;

  constructor(seed: number, purpose: number) {
    this.#first = mix32(mix32(Math.floor(seed / 2 ** 32)) ^ purpose ^ seed);
    this.#second = mix32(this.#first ^ 0x9e3779b9);
  }

  /** 32 bits of the 128-bit content hash in halves[at] .. halves[at + 3]. */
  upper(halves: Uint32Array, at: number): number {
    return mix32(mix32(halves[at]! ^ this.#first) + halves[at + 1]!);
  }

  /** Another 32 bits of the same, from its other half. */
  lower(halves: Uint32Array, at: number): number {
    return mix32(mix32(halves[at + 2]! ^ this.#second) + halves[at + 3]!);
  }
}

/** The same for (a, b) and (b, a). */
export function hashOfPair(a: number, b: number): number {
  return mix32(mix32(a ^ b) + a + b);
}

/** Uniform 32-bit numbers: the mix of a counter. */
export class SeededRandom {
  #state: number;

  constructor(seed: number, purpose: number) {
    this.#state = mix32(mix32(Math.floor(seed / 2 ** 32)) ^ purpose ^ seed);
  }

  next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    return mix32(this.#state);
  }

  /** In [0, bound), bound below 2^21. */
  below(bound: number): number {
    return Math.floor((this.next() / 2 ** 32) * bound);
  }
}
