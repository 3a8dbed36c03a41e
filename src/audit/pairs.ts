// Second pass of the audit: every removed document beside its witness. Similarity is computed on sets of strings; nothing of it is
// taken from what dedup computed.
import { type Overlap, overlapOf, shingleSet } from "../text/similarity.js";
import { type UnitText, unitsOf } from "../text/units.js";
import type { Accounts } from "./account.js";
import { forEachRecord, readCorpusRecord } from "./corpus.js";
import { type AuditInput, type DedupOutput, isSeekable } from "./dedup-output.js";
import { DocumentFetcher, orderedOf } from "./fetch.js";
import { compareEquals, type Ordered } from "./order.js";
import { KEPT, NO_DOCUMENT } from "./tables.js";
import { quote, type Violations } from "./violations.js";

export interface PairCounts {
  /** Pairs whose similarity was recomputed. */
  readonly compared: number;
  /** Texts with characters that are newer than this Node's Unicode: whether they are words cannot be told here. */
  readonly undecided: number;
}

/** Witnesses whose sets are kept at hand: several removed documents name the same one. */
const MAX_WITNESSES = 256;
const UNASSIGNED = /\p{Unassigned}/u;

export async function comparePairs(
  output: DedupOutput,
  accounts: Accounts,
  violations: Violations,
  report: (pairs: number) => void,
): Promise<PairCounts> {
  const pass = new PairPass(output, accounts, violations);
  try {
    const { document, numRows } = accounts.removed;
    // By document, in the order of the input.
    const lines = Uint32Array.from({ length: numRows }, (_, line) => line)
      .filter((line) => document[line] !== NO_DOCUMENT)
      .sort((a, b) => document[a]! - document[b]!);
    for (const [i, input] of output.inputs.entries()) {
      const own = lines.filter((line) => accounts.documents.input[document[line]!] === i);
      if (!isSeekable(input) && input.format === "jsonl") await pass.compareStream(i, input, own, report);
      else pass.compareFetched(own, report);
    }
    pass.compareCopies();
    return pass.counts;
  } finally {
    pass.close();
  }
}

interface Shingled {
  readonly document: Ordered;
  readonly units: UnitText;
  readonly undecided: boolean;
  set: Set<string> | undefined;
}

class PairPass {
  readonly #output: DedupOutput;
  readonly #accounts: Accounts;
  readonly #violations: Violations;
  readonly #fetcher: DocumentFetcher;
  /** By row; the least recently asked for first. */
  readonly #witnesses = new Map<number, Shingled>();
  #compared = 0;
  #undecided = 0;

  constructor(output: DedupOutput, accounts: Accounts, violations: Violations) {
    this.#output = output;
    this.#accounts = accounts;
    this.#violations = violations;
    this.#fetcher = new DocumentFetcher(output, accounts.documents);
  }

  get counts(): PairCounts {
    return { compared: this.#compared, undecided: this.#undecided };
  }

  compareFetched(lines: Uint32Array, report: (pairs: number) => void): void {
    for (const line of lines) {
      const document = this.#fetcher.fetch(this.#accounts.removed.document[line]!);
      if (document !== undefined) this.#compare(line, document);
      report(1);
    }
  }

  /** A compressed or remote file is read through once more. */
  async compareStream(
    index: number,
    input: AuditInput,
    lines: Uint32Array,
    report: (pairs: number) => void,
  ): Promise<void> {
    if (lines.length === 0) return;
    const { removed, documents } = this.#accounts;
    let next = 0;
    await forEachRecord(input, index, (record) => {
      const line = lines[next];
      if (line === undefined || documents.offset[removed.document[line]!] !== record.offset) return;
      const { document } = readCorpusRecord(record, input, this.#output.fields);
      if (document !== undefined) {
        this.#compare(line, orderedOf(removed.document[line]!, document, input, record.offset));
      }
      next += 1;
      report(1);
    });
  }

  /** Suspects have the same hash of the normalised text; only texts that are the same are accused. */
  compareCopies(): void {
    for (const [earlier, later] of this.#accounts.copies) {
      const [a, b] = [this.#fetcher.fetch(earlier), this.#fetcher.fetch(later)];
      if (a === undefined || b === undefined) continue;
      const [unitsA, unitsB] = [a, b].map(({ text }) => unitsOf(text, this.#output.shingling.unit));
      if (unitsA!.text !== unitsB!.text) continue;
      if (a.text !== b.text && (UNASSIGNED.test(a.text) || UNASSIGNED.test(b.text))) this.#undecided += 1;
      else this.#violations.add("copies", `${quote(a.id)} and ${quote(b.id)} have the same normalised text`);
    }
  }

  close(): void {
    this.#fetcher.close();
  }

  #compare(line: number, document: Ordered): void {
    const { removed, documents } = this.#accounts;
    const where = `line ${removed.line[line]} of removed.jsonl, ${quote(document.id)}`;
    const witnessRow = documents.ids.find({ low: removed.keptLow[line]!, high: removed.keptHigh[line]! });
    if (witnessRow === undefined || documents.fate[witnessRow] !== KEPT) {
      const what = witnessRow === undefined ? "is no document of the input" : "is not in kept.jsonl";
      this.#violations.add("witness-kept", `${where}: its witness ${what}`);
      if (witnessRow === undefined) return;
    }
    const witness = this.#witness(witnessRow);
    if (witness === undefined) return;
    const own = this.#shingled(document);
    if (own.undecided || witness.undecided) {
      this.#undecided += 1;
      return;
    }
    this.#compared += 1;
    const overlap = this.#overlap(own, witness);
    const { intersection, union } = overlap;
    const recorded = removed.jaccard[line]!;
    const pair = `${where} and ${quote(witness.document.id)}`;
    if (intersection / union !== recorded) {
      const found = `${intersection} of ${union} shingles are common, ${intersection / union}`;
      this.#violations.add("similarity", `${pair}: recorded ${recorded}, but ${found}`);
    }
    if (!isAbove(overlap, this.#output)) {
      this.#violations.add("threshold", `${pair}: only ${intersection} of ${union} shingles are common`);
    }
    if (!this.#comesFirst(witness.document, document)) {
      this.#violations.add("order", `${pair}: the witness does not come first under "${this.#output.keep}"`);
    }
  }

  #comesFirst(witness: Ordered, removed: Ordered): boolean {
    const { rank } = this.#accounts.documents;
    const [first, second] = [rank[witness.position]!, rank[removed.position]!];
    return first === second ? compareEquals(witness, removed, this.#output.shingling) < 0 : first < second;
  }

  #overlap(a: Shingled, b: Shingled): Overlap {
    // The same normalised text has the same shingles.
    if (a.units.text === b.units.text) return { intersection: 1, union: 1 };
    return overlapOf(this.#setOf(a), this.#setOf(b));
  }

  #setOf(shingled: Shingled): Set<string> {
    shingled.set ??= shingleSet(shingled.units, this.#output.shingling.size);
    return shingled.set;
  }

  #shingled(document: Ordered): Shingled {
    const units = unitsOf(document.text, this.#output.shingling.unit);
    return { document, units, undecided: UNASSIGNED.test(units.composed), set: undefined };
  }

  #witness(row: number): Shingled | undefined {
    let witness = this.#witnesses.get(row);
    if (witness === undefined) {
      const document = this.#fetcher.fetch(row);
      if (document === undefined) return undefined;
      witness = this.#shingled(document);
    }
    this.#witnesses.delete(row);
    this.#witnesses.set(row, witness);
    if (this.#witnesses.size > MAX_WITNESSES) this.#witnesses.delete(this.#witnesses.keys().next().value!);
    return witness;
  }
}

/** In integers. */
export function isAbove(
  { intersection, union }: Overlap,
  { numerator, denominator }: Pick<DedupOutput, "numerator" | "denominator">,
): boolean {
  return denominator * intersection > numerator * union;
}
