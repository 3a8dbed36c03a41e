// What one may choose about cleaning.
import { z } from "../base/schema.js";
import { readFields, recordsField, refuseCrossedFields } from "../formats/read-fields.js";
import { LENGTH_UNITS } from "./min-tokens.js";
import { ruleFields } from "./rule-config.js";

/** The paper's rule: documents under 128 tokens are dropped. */
const PAPER_MIN_TOKENS = 128;

export const cleanSchema = z
  .strictObject({
    ...readFields,
    recordsField,
    /** Unicode normalisation form C. */
    nfc: z.boolean().default(true),
    /** CRLF and CR become LF. */
    newlines: z.boolean().default(true),
    ...ruleFields,
    /** Documents with fewer tokens are rejected as "too-short"; 0 keeps all. */
    minTokens: z.int().min(0).default(PAPER_MIN_TOKENS),
    /** What counts as a token for minTokens. */
    tokenizer: z.enum(LENGTH_UNITS).default("gpt2"),
    /** More malformed records than this share of all end the run. Rules such as minTokens do not count. */
    maxRejectedFraction: z.number().min(0).max(1).default(0.01),
  })
  .superRefine(refuseCrossedFields);

export type CleanConfig = z.infer<typeof cleanSchema>;
