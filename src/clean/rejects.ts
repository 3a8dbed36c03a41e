// What clean adds to the format of rejected records: which reasons are rules.
import type { RejectedRecord } from "../records/document-block.js";

/** Reasons for which a rule drops a sound record. All others say that the corpus is damaged or misread. */
export const RULE_REASONS: ReadonlySet<string> = new Set([
  "bad-word",
  "blocked-url",
  "listed-title",
  "low-quality",
  "other-language",
  "repetitive",
  "too-short",
  "unfit-page",
]);

export const DUPLICATE_ID = "duplicate-id";

export function byOffset(a: RejectedRecord, b: RejectedRecord): number {
  return a.offset - b.offset;
}
