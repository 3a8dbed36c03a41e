// From a document that two dedups decided differently to the pair that one of them missed. Whoever removed it names a witness; if the
// other kept that witness too, it missed the pair. If it removed the witness, that is a difference by itself, of a document
// that comes earlier in the order, and is followed in its place: ranks fall, so this ends.
import { type Overlap, overlapOf, shingleSet } from "../text/similarity.js";
import { type UnitText, unitsOf } from "../text/units.js";
import type { Accounts } from "./account.js";
import { forEachRecord, readCorpusRecord } from "./corpus.js";
import { type DedupOutput, isSeekable } from "./dedup-output.js";
import { DocumentFetcher, orderedOf } from "./fetch.js";
import { compareEquals, type Ordered } from "./order.js";
import { isAbove } from "./pairs.js";
import { KEPT, NO_DOCUMENT, REMOVED } from "./tables.js";
import { quote, type Violations } from "./violations.js";

/** What became of a document. */
export type Decision =
  | { readonly fate: "kept" }
  | { readonly fate: "removed"; readonly kept: string; readonly jaccard: number }
  | { readonly fate: "lost" };

/** A pair above the threshold, its witness kept by both, that one of the two missed. */
export interface MissedPair {
  readonly by: "a" | "b";
  readonly id: string;
  readonly kept: string;
  readonly jaccard: number;
  readonly intersection: number;
  readonly union: number;
}

export interface Difference {
  readonly id: string;
  readonly a: Decision;
  readonly b: Decision;
  /** Witnesses followed to get from the document to the pair: each is removed where the one before needed it kept. */
  readonly via: readonly string[];
  readonly missed?: MissedPair | undefined;
  /** Why no missed pair explains the difference. */
  readonly untraceable?: string | undefined;
}

export interface Side {
  readonly output: DedupOutput;
  readonly accounts: Accounts;
  readonly violations: Violations;
  /** Line of removed.jsonl by document; NO_DOCUMENT: none. */
  readonly lineOf: Uint32Array;
}

type Name = "a" | "b";

/** Where following witnesses led. */
type Trace = Pick<Difference, "via" | "missed" | "untraceable">;

interface Removal {
  readonly by: Name;
  /** Document number of the witness; undefined: the input has none of its name. */
  readonly witness: number | undefined;
  readonly jaccard: number;
}

interface Pair extends Overlap {
  readonly document: Ordered;
  readonly witness: Ordered;
}

const UNASSIGNED = /\p{Unassigned}/u;

/** Both sides number documents alike: they read the same inputs. */
export class Tracer {
  readonly #sides: Readonly<Record<Name, Side>>;
  readonly #fetcher: DocumentFetcher;
  /** Documents of compressed files, which cannot be fetched one by one. */
  readonly #streamed = new Map<number, Ordered>();
  readonly #traces = new Map<number, Trace>();

  constructor(a: Side, b: Side) {
    this.#sides = { a, b };
    this.#fetcher = new DocumentFetcher(a.output, a.accounts.documents);
  }

  /** `rows`: the documents that differ, ascending. */
  async prepare(rows: readonly number[]): Promise<void> {
    const { output, accounts } = this.#sides.a;
    const needed = new Map<string, number>();
    for (const row of rows.flatMap((one) => [one, ...this.#removals(one).map(({ witness }) => witness ?? one)])) {
      const input = accounts.documents.input[row]!;
      const file = output.inputs[input]!;
      if (!isSeekable(file) && file.format === "jsonl") needed.set(`${input} ${accounts.documents.offset[row]}`, row);
    }
    if (needed.size === 0) return;
    for (const [i, input] of output.inputs.entries()) {
      if (isSeekable(input) || input.format === "text") continue;
      await forEachRecord(input, i, (record) => {
        const row = needed.get(`${i} ${record.offset}`);
        if (row === undefined) return;
        const { document } = readCorpusRecord(record, input, output.fields);
        if (document !== undefined) this.#streamed.set(row, orderedOf(row, document, input, record.offset));
      });
    }
  }

  difference(row: number): Difference {
    const decision = (name: Name): Decision => this.#decision(name, row);
    return { id: this.#idOf(row), a: decision("a"), b: decision("b"), ...this.#trace(row) };
  }

  close(): void {
    this.#fetcher.close();
  }

  #trace(row: number): Trace {
    const known = this.#traces.get(row);
    if (known !== undefined) return known;
    const trace = this.#step(row);
    this.#traces.set(row, trace);
    return trace;
  }

  /** What explains the difference at one document: its better witness, or what explains that one's absence. */
  #step(row: number): Trace {
    for (const name of ["a", "b"] as const) {
      const fate = this.#fate(name, row);
      if (fate !== KEPT && fate !== REMOVED) return untraceable(`${upper(name)} neither kept nor removed it`);
    }
    const removal = this.#better(row);
    if (typeof removal === "string") return untraceable(removal);
    const { by, pair } = removal;
    const other = by === "a" ? "b" : "a";
    const { witness } = pair;
    const fate = this.#fate(other, witness.position);
    if (fate === REMOVED) {
      const rest = this.#trace(witness.position);
      return { ...rest, via: [witness.id, ...rest.via] };
    }
    if (fate !== KEPT) return untraceable(`${upper(other)} neither kept nor removed its witness ${quote(witness.id)}`);
    if (this.#sides[other].output.exact) {
      return untraceable(
        `${upper(other)} was run with --exact and cannot have missed its pair with ${quote(witness.id)}`,
      );
    }
    const { intersection, union } = pair;
    const jaccard = intersection / union;
    const missed: MissedPair = { by: other, id: pair.document.id, kept: witness.id, jaccard, intersection, union };
    return { via: [], missed };
  }

  /** The removal with the more similar witness, among equals the first in order; a sentence when one of them cannot be true. */
  #better(row: number): { readonly by: Name; readonly pair: Pair } | string {
    let best: { readonly by: Name; readonly pair: Pair } | undefined;
    for (const removal of this.#removals(row)) {
      const pair = this.#checked(row, removal);
      if (typeof pair === "string") return pair;
      if (best === undefined || this.#isBetter(pair, best.pair)) best = { by: removal.by, pair };
    }
    return best ?? "nobody removed it";
  }

  #isBetter(pair: Pair, than: Pair): boolean {
    const difference = pair.intersection * than.union - than.intersection * pair.union;
    return difference === 0 ? this.#comesFirst(pair.witness, than.witness) : difference > 0;
  }

  /** The pair as it is, recomputed on strings; a sentence when it is not what the output says or could not have removed it. */
  #checked(row: number, { by, witness: witnessRow, jaccard }: Removal): Pair | string {
    const says = `${upper(by)} says it is ${jaccard} alike with`;
    if (witnessRow === undefined) return `${upper(by)} names a witness that the input does not have`;
    const [document, witness] = [this.#fetch(row), this.#fetch(witnessRow)];
    if (document === undefined || witness === undefined) return `${upper(by)}'s witness could not be read again`;
    const name = quote(witness.id);
    if (this.#fate(by, witnessRow) !== KEPT) return `${upper(by)} removed it for ${name}, which it did not keep`;
    const [units, witnessUnits] = [document, witness].map(({ text }) => unitsOf(text, this.#unit)) as [
      UnitText,
      UnitText,
    ];
    if (UNASSIGNED.test(units.composed) || UNASSIGNED.test(witnessUnits.composed)) {
      return `its text or that of ${name} has characters unknown to Unicode ${process.versions.unicode} of this Node.js`;
    }
    const { size } = this.#sides.a.output.shingling;
    const overlap = overlapOf(shingleSet(units, size), shingleSet(witnessUnits, size));
    const { intersection, union } = overlap;
    if (intersection / union !== jaccard) return `${says} ${name}, but ${intersection} of ${union} shingles are common`;
    if (!isAbove(overlap, this.#sides.a.output)) return `${says} ${name}, which is not above the threshold`;
    if (!this.#comesFirst(witness, document))
      return `${upper(by)} removed it for ${name}, which does not come before it`;
    const other = by === "a" ? "b" : "a";
    if (units.text === witnessUnits.text && this.#fate(other, witnessRow) === KEPT) {
      return `it is a copy of ${name}, which both kept: copies are found without candidates`;
    }
    return { intersection, union, document, witness };
  }

  #removals(row: number): Removal[] {
    return (["a", "b"] as const).flatMap((by) => {
      const { lineOf, accounts } = this.#sides[by];
      const line = lineOf[row]!;
      if (line === NO_DOCUMENT || this.#fate(by, row) !== REMOVED) return [];
      const { keptLow, keptHigh, jaccard } = accounts.removed;
      const witness = accounts.documents.ids.find({ low: keptLow[line]!, high: keptHigh[line]! });
      return [{ by, witness, jaccard: jaccard[line]! }];
    });
  }

  #decision(name: Name, row: number): Decision {
    const fate = this.#fate(name, row);
    if (fate === KEPT) return { fate: "kept" };
    const removal = this.#removals(row).find(({ by }) => by === name);
    if (removal === undefined) return { fate: "lost" };
    const kept = removal.witness === undefined ? "" : this.#idOf(removal.witness);
    return { fate: "removed", kept, jaccard: removal.jaccard };
  }

  #comesFirst(first: Ordered, second: Ordered): boolean {
    const { accounts, output } = this.#sides.a;
    const { rank } = accounts.documents;
    const [rankFirst, rankSecond] = [rank[first.position]!, rank[second.position]!];
    return rankFirst === rankSecond ? compareEquals(first, second, output.shingling) < 0 : rankFirst < rankSecond;
  }

  get #unit(): "word" | "char" {
    return this.#sides.a.output.shingling.unit;
  }

  #fate(name: Name, row: number): number {
    return this.#sides[name].accounts.documents.fate[row]!;
  }

  #fetch(row: number): Ordered | undefined {
    return this.#streamed.get(row) ?? this.#fetcher.fetch(row);
  }

  #idOf(row: number): string {
    return this.#fetch(row)?.id ?? `document ${row + 1}`;
  }
}

const upper = (name: Name): string => name.toUpperCase();

function untraceable(reason: string): Trace {
  return { via: [], untraceable: reason };
}
