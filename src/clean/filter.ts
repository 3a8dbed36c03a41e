// A filter judges every document of a block by one rule and names the reason of those it rejects.
import type { DocumentBlock } from "../records/document-block.js";

export interface Filter {
  /** Stands in rejected.jsonl and, as `rejected_<reason>`, in the counts. */
  readonly reason: string;
  /** Calls `reject` for rows that are still kept and break the rule, in order; the detail is one sentence. */
  apply(block: DocumentBlock, keep: Uint8Array, reject: (row: number, detail: string) => void): void;
}
