// The laws of a finished dedup (docs/formats/dedup.md) and where they are broken: all violations are counted, the first of each
// law are kept with their places.

/** In the order they are printed in. */
export const LAWS = {
  files: "the outputs are the files that stage.json names, with the counts it says",
  accounted: "every input record is exactly one of kept, removed and rejected",
  ids: "of the documents with one id the first of the input stays, the others are rejected",
  rejected: "a rejected record stands where its line says and has the fault that it names",
  "kept-lines": "kept.jsonl holds the lines of the kept documents as they stand in the input, in its order",
  "removed-lines": "removed.jsonl has one well-formed line a removed document, in the order of the input",
  "witness-kept": "every witness is a document of kept.jsonl",
  similarity: "the recorded similarity is the exact one, recomputed on strings",
  threshold: "a removed document and its witness are above the threshold, in integers",
  order: "the witness comes before the removed document in the order of the policy",
  copies: "no two kept documents have the same normalised text",
  exact: "no two kept documents are above the threshold",
  "best-witness": "no kept document that comes before a removed one is more similar to it than its witness",
} as const;

export type Law = keyof typeof LAWS;

export interface Violation {
  readonly law: Law;
  /** One sentence with ids and positions. */
  readonly what: string;
}

export class Violations {
  readonly #limit: number;
  readonly #counts = new Map<Law, number>();
  readonly #first = new Map<Law, string[]>();

  /** `limit`: how many of each law are kept. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `what` is a function where the sentence is dear: it is asked for the first ones only. */
  add(law: Law, what: string | (() => string)): void {
    this.#counts.set(law, (this.#counts.get(law) ?? 0) + 1);
    const first = this.#first.get(law) ?? [];
    this.#first.set(law, first);
    if (first.length < this.#limit) first.push(typeof what === "string" ? what : what());
  }

  get total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
  }

  count(law: Law): number {
    return this.#counts.get(law) ?? 0;
  }

  first(law: Law): readonly string[] {
    return this.#first.get(law) ?? [];
  }
}

/** An id in a sentence. */
export function quote(id: string): string {
  return JSON.stringify(id);
}
