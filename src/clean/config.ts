// What one may choose about cleaning.
import { resolve } from "node:path";
import { z } from "../base/schema.js";
import { encoding, readFields, recordsField, refuseCrossedFields } from "../formats/read-fields.js";
import { WHITESPACE_WORDS } from "./min-tokens.js";
import { ruleFields } from "./rule-config.js";

/** The paper's rule: documents under 128 tokens are dropped. */
const PAPER_MIN_TOKENS = 128;

export const cleanSchema = z
  .strictObject({
    ...readFields,
    recordsField,
    encoding,
    /** Unicode normalisation form C. */
    nfc: z.boolean().default(true),
    /** CRLF and CR become LF. */
    newlines: z.boolean().default(true),
    ...ruleFields,
    /** Documents with fewer tokens are rejected as "too-short"; 0 keeps all. */
    minTokens: z.int().min(0).default(PAPER_MIN_TOKENS),
    /** What counts as a token for minTokens: gpt2, the path of a tokenizer as shard takes it, or whitespace-words. */
    tokenizer: z
      .string()
      .min(1)
      .transform((name) => (name === "gpt2" || name === WHITESPACE_WORDS ? name : resolve(name)))
      .default("gpt2"),
    /** More malformed records than this share of all end the run. Rules such as minTokens do not count. */
    maxRejectedFraction: z.number().min(0).max(1).default(0.01),
  })
  .superRefine(refuseCrossedFields);

export type CleanConfig = z.infer<typeof cleanSchema>;
