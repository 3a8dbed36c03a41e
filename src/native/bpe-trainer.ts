// native/addon/bpe_trainer.cc: learning a byte-level BPE vocabulary.
import type { ByteLevelBpeOptions } from "./tokenizer.js";

/** An opaque trainer; garbage collection frees it. */
export type NativeBpeTrainer = object & { readonly __bpeTrainer: never };

export interface BpeGoal {
  /** First tokens, 256 bytes and merges. */
  readonly vocabSize: number;
  /** A pair that occurs less often is not merged. */
  readonly minFrequency: number;
  /** Ids before those of the bytes. */
  readonly numFirstTokens: number;
}

/** See native/include/millrace/bpe_trainer.h. */
export interface NativeBpeTraining {
  createBpeTrainer(pattern: ByteLevelBpeOptions["pattern"]): NativeBpeTrainer;
  /** Counts pre-tokens. Returns how many different ones there are, and how many of the rarest were forgotten for want of room. */
  addTrainingTexts(
    trainer: NativeBpeTrainer,
    text: Uint8Array,
    offsets: Uint32Array,
  ): { numPieces: number; numForgotten: number };
  /** Up to `count` more merges, three elements each: left id, right id, the id they make. Fewer: there are no more. */
  learnMerges(trainer: NativeBpeTrainer, goal: BpeGoal, count: number): Uint32Array;
}
