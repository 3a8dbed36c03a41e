// What a user may say about sharding.
import { resolve } from "node:path";
import { z } from "../base/schema.js";
import { encoding, readFields, recordsField, refuseCrossedFields } from "../formats/read-fields.js";

export const shardSchema = z
  .strictObject({
    /** "gpt2", or the path of a tokenizer.json, a vocab.txt of BERT, a SentencePiece .model, or a folder: tokenizers/names.ts. */
    tokenizer: z
      .string()
      .min(1)
      .transform((name) => (name === "gpt2" ? name : resolve(name)))
      .default("gpt2"),
    /** The token that ends documents, where a tokenizer.json does not tell. */
    endOfDocument: z.string().min(1).optional(),
    /** What computes ids; js is for SentencePiece models alone. */
    engine: z.enum(["native", "js"]).default("native"),
    /** Share of the documents that training never sees. */
    heldout: z.number().min(0).max(0.5).default(0.01),
    /** Which documents those are. */
    seed: z.int().nonnegative().default(1234),
    ...readFields,
    recordsField,
    encoding,
    /** More rejected records than this share of all end the run. */
    maxRejectedFraction: z.number().min(0).max(1).default(0.01),
  })
  .superRefine(refuseCrossedFields);

export type ShardConfig = z.output<typeof shardSchema>;
