// Types of the npm package minhash 0.0.9, which brings none: what minhash.ts uses.
declare module "minhash" {
  export class Minhash {
    constructor(config: { numPerm: number; seed: number });
    /** The hash of a string where it enters the permutations: an int32 plus maxHash. */
    hash(text: string): number;
    update(text: string): void;
    readonly maxHash: number;
    readonly permA: readonly number[];
    readonly permB: readonly number[];
    /** The least value of each permutation so far; maxHash before the first update. */
    readonly hashvalues: number[];
  }
}
