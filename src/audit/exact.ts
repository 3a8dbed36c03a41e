// Third pass of the audit, for the outputs of --exact: no two kept documents are above the threshold, and no removed one has a better
// witness. All kept documents are looked up in an inverted index over the shingles of some documents: all of them where they fit
// into memory, else a sample. Every shingle is indexed, so the counts of hits are the exact intersections.
import { numShingles, shingleAt, shingleSet } from "../text/similarity.js";
import { type UnitText, unitsOf } from "../text/units.js";
import type { Accounts } from "./account.js";
import { forEachRecord, idOfRecord, readCorpusRecord } from "./corpus.js";
import type { DedupOutput } from "./dedup-output.js";
import { DocumentFetcher, orderedOf } from "./fetch.js";
import { hashString } from "./hash-table.js";
import { compareEquals, type Ordered } from "./order.js";
import { isAbove } from "./pairs.js";
import { KEPT, REMOVED } from "./tables.js";
import { quote, type Violations } from "./violations.js";

export interface ExactCheck {
  /** Documents of the index, of each fate. */
  readonly indexedKept: number;
  readonly indexedRemoved: number;
  /** Kept documents looked up: all. */
  readonly probed: number;
  readonly sampled: boolean;
}

/** About 150 bytes each. */
const MAX_SHINGLES = 1_500_000;

interface Member {
  readonly document: Ordered;
  readonly units: UnitText;
  readonly numShingles: number;
  readonly kept: boolean;
  /** Recorded for the removed. */
  readonly jaccard: number;
  /** Another document has its normalised text: whose witness it shares is the order's business, not similarity's. */
  copied: boolean;
  /** What a better witness would be. */
  better: string | undefined;
}

interface Posting {
  readonly members: number[];
  /** The document that has been counted here last: a shingle counts once a document. */
  counted: number;
}

export async function checkExact(
  output: DedupOutput,
  accounts: Accounts,
  violations: Violations,
  report: (bytes: number) => void,
  maxShingles = MAX_SHINGLES,
): Promise<ExactCheck> {
  const index = indexMembers(output, accounts, maxShingles);
  const { documents } = accounts;
  let probed = 0;
  for (const [i, input] of output.inputs.entries()) {
    await forEachRecord(input, i, (record) => {
      report(record.bytes?.length ?? 0);
      const { document } = readCorpusRecord(record, input, output.fields);
      if (document === undefined) return;
      const row = documents.ids.find(hashString(idOfRecord(document.id, input, record.offset)));
      if (row === undefined || documents.offset[row] !== record.offset || documents.input[row] !== i) return;
      const isKept = documents.fate[row] === KEPT;
      probed += isKept ? 1 : 0;
      index.probe(orderedOf(row, document, input, record.offset), isKept);
    });
  }
  index.finish(violations);
  const indexed = index.members;
  return {
    indexedKept: indexed.filter(({ kept }) => kept).length,
    indexedRemoved: indexed.filter(({ kept }) => !kept).length,
    probed,
    sampled: index.isFull,
  };
}

/** Documents in an order that the number of them alone decides, so that the sample is the same in every audit of a folder. */
function* scattered(numRows: number): Iterable<number> {
  let stride = Math.floor(numRows * 0.6180339887) | 1;
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  while (divisor(stride, numRows) !== 1) stride += 2;
  for (let i = 0, row = 0; i < numRows; i += 1, row = (row + stride) % numRows) yield row;
}

function indexMembers(output: DedupOutput, accounts: Accounts, maxShingles: number): ExactIndex {
  const { documents, removed } = accounts;
  const index = new ExactIndex(output, accounts, maxShingles);
  const jaccardOf = new Map<number, number>();
  for (let line = 0; line < removed.numRows; line += 1) jaccardOf.set(removed.document[line]!, removed.jaccard[line]!);
  const fetcher = new DocumentFetcher(output, documents);
  try {
    for (const row of scattered(documents.numRows)) {
      const fate = documents.fate[row];
      if (fate !== KEPT && fate !== REMOVED) continue;
      const document = fetcher.fetch(row);
      if (document !== undefined) index.add(document, fate === KEPT, jaccardOf.get(row) ?? 0);
      if (index.isFull) break;
    }
  } finally {
    fetcher.close();
  }
  return index;
}

class ExactIndex {
  readonly members: Member[] = [];
  readonly #output: DedupOutput;
  readonly #rank: Float64Array;
  readonly #maxShingles: number;
  readonly #postings = new Map<string, Posting>();
  readonly #byText = new Map<string, number[]>();
  readonly #positions = new Set<number>();
  #numShingles = 0;
  readonly #pairs: string[] = [];
  #counts = new Uint32Array(0);

  constructor(output: DedupOutput, { documents }: Accounts, maxShingles: number) {
    this.#output = output;
    this.#rank = documents.rank;
    this.#maxShingles = maxShingles;
  }

  get isFull(): boolean {
    return this.#numShingles >= this.#maxShingles;
  }

  add(document: Ordered, kept: boolean, jaccard: number): void {
    const { unit, size } = this.#output.shingling;
    const units = unitsOf(document.text, unit);
    const set = shingleSet(units, size);
    const member = this.members.length;
    this.members.push({ document, units, numShingles: set.size, kept, jaccard, copied: false, better: undefined });
    this.#positions.add(document.position);
    this.#numShingles += set.size;
    for (const shingle of set) {
      const posting = this.#postings.get(shingle);
      if (posting === undefined) this.#postings.set(shingle, { members: [member], counted: -1 });
      else posting.members.push(member);
    }
    const same = this.#byText.get(units.text);
    if (same === undefined) this.#byText.set(units.text, [member]);
    else same.push(member);
  }

  /** Every document of the input once; only the kept ones are looked up. */
  probe(document: Ordered, kept: boolean): void {
    const { unit, size } = this.#output.shingling;
    const units = unitsOf(document.text, unit);
    for (const member of this.#byText.get(units.text) ?? []) {
      if (this.members[member]!.document.position !== document.position) this.members[member]!.copied = true;
    }
    if (!kept) return;
    if (this.#counts.length === 0) this.#counts = new Uint32Array(this.members.length);
    const counts = this.#counts;
    const touched: number[] = [];
    const count = numShingles(units, size);
    for (let i = 0; i < count; i += 1) {
      const posting = this.#postings.get(shingleAt(units, i, size));
      if (posting === undefined || posting.counted === document.position) continue;
      posting.counted = document.position;
      for (const member of posting.members) {
        if (counts[member] === 0) touched.push(member);
        counts[member]! += 1;
      }
    }
    for (const member of touched) {
      this.#judge(this.members[member]!, document, units, counts[member]!);
      counts[member] = 0;
    }
  }

  /** `intersection` of the member and a kept document. */
  #judge(member: Member, kept: Ordered, units: UnitText, intersection: number): void {
    const { numerator, denominator, shingling } = this.#output;
    // The union holds the member's own: below this no pair is above the threshold.
    if (denominator * intersection <= numerator * member.numShingles) return;
    if (member.document.position === kept.position) return;
    const union = member.numShingles + shingleSet(units, shingling.size).size - intersection;
    if (!isAbove({ intersection, union }, this.#output)) return;
    const common = `${intersection} of ${union} shingles are common`;
    if (member.kept) {
      // Of two members each is looked up: the pair is one violation.
      if (this.#positions.has(kept.position) && kept.position < member.document.position) return;
      this.#pairs.push(`${quote(member.document.id)} and ${quote(kept.id)} are both kept: ${common}`);
    } else if (intersection / union > member.jaccard && this.#comesFirst(kept, member.document)) {
      member.better ??= `${quote(kept.id)} is nearer to ${quote(member.document.id)} than its witness: ${common}`;
    }
  }

  finish(violations: Violations): void {
    for (const pair of this.#pairs) violations.add("exact", pair);
    for (const { better, copied } of this.members) {
      if (better !== undefined && !copied) violations.add("best-witness", better);
    }
  }

  #comesFirst(a: Ordered, b: Ordered): boolean {
    const [first, second] = [this.#rank[a.position]!, this.#rank[b.position]!];
    return first === second ? compareEquals(a, b, this.#output.shingling) < 0 : first < second;
  }
}
