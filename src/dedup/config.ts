// What a person may say about dedup, checked strictly. What it means is in settings.ts, which workers load without this.
import { z } from "../base/schema.js";
import { readFields, refuseCrossedFields } from "../formats/read-fields.js";
import { parseByteSize } from "./byte-size.js";
import { parsePolicy, scoreFieldOf } from "./policy.js";
import { ratioOf } from "./threshold.js";

const MAX_PERMUTATIONS = 4096;
/** Less does not hold Node.js, its workers and the largest record. */
const MIN_MEMORY_BYTES = 256 * 2 ** 20;

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
    /** Which of two alike stays; a Policy as text. */
    keep: z
      .string()
      .superRefine((text, context) => {
        const policy = parsePolicy(text);
        if (typeof policy === "string") context.addIssue({ code: "custom", message: `expected ${policy}` });
      })
      .default("longest"),
    seed: z.int().min(0).default(0),
    /** native: kernels in C++; js: where no compiler is, and slower. */
    engine: z.enum(["native", "js"]).default("native"),
    /** Candidates are all pairs that the threshold can admit, not those that share a band. */
    exact: z.boolean().default(false),
    /** Most resident memory of all processes together, as bytes or text such as "512M" and "4G"; null: no limit. */
    memory: z
      .union([z.int(), z.string()])
      .superRefine((value, context) => {
        const bytes = typeof value === "number" ? value : parseByteSize(value);
        if (bytes === undefined) {
          context.addIssue({
            code: "custom",
            message: 'expected a number of bytes, or one with K, M, G or T such as "4G"',
          });
        } else if (bytes < MIN_MEMORY_BYTES) {
          context.addIssue({ code: "custom", message: 'expected at least 256 MiB ("256M")' });
        }
      })
      .nullable()
      .default(null),
    maxRejectedFraction: z.number().min(0).max(1).default(0.01),
    ...readFields,
    /** Changes how fast, never what: signatures are the same bits on every level. */
    simd: z.enum(["auto", "scalar", "avx2", "avx512"]).default("auto"),
  })
  .refine(({ bands, rows }) => bands * rows <= MAX_PERMUTATIONS, {
    message: `expected at most ${MAX_PERMUTATIONS} permutations for bands * rows`,
    path: ["bands"],
  })
  .superRefine(refuseCrossedFields)
  .superRefine(({ keep, textField, idField, sourceField }, context) => {
    const policy = parsePolicy(keep);
    if (typeof policy === "string") return;
    const field = scoreFieldOf(policy);
    for (const [name, other] of Object.entries({ textField, idField, sourceField })) {
      if (field === "" || !(`${field}.`.startsWith(`${other}.`) || `${other}.`.startsWith(`${field}.`))) continue;
      context.addIssue({ code: "custom", message: `expected a field apart from ${name} ("${other}")`, path: ["keep"] });
    }
  });

export type DedupConfig = z.infer<typeof dedupSchema>;
