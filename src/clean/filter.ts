// The two kinds of rules a document goes through. A rule is a small module: its configuration as a plain interface, a
// version that stands in the resolved configuration (and so in the journal's key), and one of the two below. Which rules
// run, on which sources and in which order, is src/clean/rules.ts's to say.
import type { DocumentBlock } from "../records/document-block.js";

/** What every rule's configuration has. */
export interface RuleConfig {
  /** Raised by the rule when it would decide otherwise. */
  readonly version: number;
  /** The rule is for documents of these sources only; `*` stands for any characters. Absent: for all. */
  readonly sources?: readonly string[] | undefined;
}

/** Judges every document of a block by one rule and names the reason of those it rejects. */
export interface Filter {
  /** Stands in rejected.jsonl and, as `rejected_<reason>`, in the counts. */
  readonly reason: string;
  /** Calls `reject` for rows that are still kept and break the rule, in order; the detail is one sentence. */
  apply(block: DocumentBlock, keep: Uint8Array, reject: (row: number, detail: string) => void): void;
}

/** Changes texts and rejects none. */
export interface Rewriter {
  /** Documents it has changed are counted as `changed_<name>`. */
  readonly name: string;
  rewrite(text: string): string;
  /** False when `rewrite` would surely leave the text as it is: saves decoding it. */
  mayChange?(utf8: Uint8Array): boolean;
}

/** A filter that looks at one text at a time: `judge` says what is wrong with it, or nothing. */
export type Judge = (text: string) => string | undefined;
