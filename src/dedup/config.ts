// What a person may say about dedup, checked strictly, and the same resolved for tasks.
import { z } from "../base/schema.js";
import { readFields, refuseCrossedFields } from "../formats/read-fields.js";
import type { Shingling } from "../native.js";
import { type Ratio, ratioOf } from "./threshold.js";

const MAX_PERMUTATIONS = 4096;

export const dedupSchema = z
  .strictObject({
    /** A document goes when its Jaccard similarity with a kept one is above this. */
    threshold: z
      .number()
      .refine((value) => ratioOf(value) !== undefined, "expected a number from 0 to below 1 with at most four decimals")
      .default(0.7),
    /** "word:5": runs of five words; "char:5": runs of five characters. */
    shingle: z
      .string()
      .regex(/^(word|char):[1-9][0-9]?$/, 'expected "word:N" or "char:N" with N from 1 to 99')
      .default("word:5"),
    bands: z.int().min(1).max(1024).default(30),
    rows: z.int().min(1).max(64).default(5),
    /** Which of two alike stays: the one with more normalised text, or the one that comes first in the input. */
    keep: z.enum(["longest", "first"]).default("longest"),
    seed: z.int().min(0).default(0),
    maxRejectedFraction: z.number().min(0).max(1).default(0.01),
    ...readFields,
    /** Changes how fast, never what: signatures are the same bits on every level. */
    simd: z.enum(["auto", "scalar", "avx2", "avx512"]).default("auto"),
  })
  .refine(({ bands, rows }) => bands * rows <= MAX_PERMUTATIONS, {
    message: `expected at most ${MAX_PERMUTATIONS} permutations for bands * rows`,
    path: ["bands"],
  })
  .superRefine(refuseCrossedFields);

export type DedupConfig = z.infer<typeof dedupSchema>;

export function shinglingOf(config: DedupConfig): Shingling {
  const [unit, size] = config.shingle.split(":") as ["word" | "char", string];
  return { unit, size: Number(size) };
}

export function thresholdOf(config: DedupConfig): Ratio {
  return ratioOf(config.threshold)!;
}
