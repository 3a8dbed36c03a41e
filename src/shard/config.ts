// What a user may say about sharding.
import { resolve } from "node:path";
import { z } from "../base/schema.js";
import { readFields, recordsField, refuseCrossedFields } from "../formats/read-fields.js";

export const shardSchema = z
  .strictObject({
    /** "gpt2", a folder with vocab.json and merges.txt, or a vocab.txt of BERT or its folder. */
    tokenizer: z
      .string()
      .min(1)
      .transform((name) => (name === "gpt2" ? name : resolve(name)))
      .default("gpt2"),
    /** Share of the documents that training never sees. */
    heldout: z.number().min(0).max(0.5).default(0.01),
    /** Which documents those are. */
    seed: z.int().nonnegative().default(1234),
    ...readFields,
    recordsField,
    /** More rejected records than this share of all end the run. */
    maxRejectedFraction: z.number().min(0).max(1).default(0.01),
  })
  .superRefine(refuseCrossedFields);

export type ShardConfig = z.output<typeof shardSchema>;
