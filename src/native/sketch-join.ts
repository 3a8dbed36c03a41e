// native/addon/sketch_join.cc: pairs of a sample.

/** Sketches of sampled documents; garbage collection frees it. */
export type NativeSketchIndex = object & { readonly __sketchIndex: never };

/** See native/include/millrace/sketch_join.h; sketches are SKETCH_SIZE values a document. */
export interface NativeSketchJoin {
  /** At most 2^20 documents. `sketches` is copied. */
  createSketchIndex(sketches: Uint32Array): NativeSketchIndex;
  /**
   * Pairs of sampled documents and rows with taken[row] != 0, by row, three elements a pair: place in the sample, row, level.
   * The level says how many of the least SKETCH_SIZE values of the two together are in both; when they have fewer together,
   * in proportion and rounded down. Pairs below minLevel, and below 1, are left out.
   */
  matchSketches(index: NativeSketchIndex, sketches: Uint32Array, taken: Uint8Array, minLevel: number): Uint32Array;
}
