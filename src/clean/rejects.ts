// What clean adds to the format of rejected records: which reasons are rules, and files between phases that hold more of a
// record than the final line does.
import { writeFileAtomic } from "../base/atomic.js";
import type { RejectedRecord } from "../records/document-block.js";
import type { FileRef } from "../records/stage.js";

/** Reasons for which a rule drops a sound record. All others say that the corpus is damaged or misread. */
export const RULE_REASONS: ReadonlySet<string> = new Set([
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

/** A file between phases. */
export async function writeRejected(path: string, records: readonly RejectedRecord[]): Promise<FileRef> {
  return writeFileAtomic(path, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
}
