// The decision by brute force: every representative with every one before it. Order keys and sets come from the engine,
// all that is decided from them is done again in the plainest way.
import { ratioOf } from "#src/dedup/threshold.js";
import type { Shingling } from "#src/native/dedup.js";
import { type EngineName, engineOf } from "#src/text/engine.js";
import type { Removal, TestDocument } from "./harness.js";

export interface OracleOptions {
  readonly threshold: number;
  readonly shingling: Shingling;
  readonly engine?: EngineName;
  /** First part of the total order, smaller first; `row` is the place in the input, `bytes` those of the normalised text. */
  readonly orderKey: (document: TestDocument, row: number, bytes: number) => number;
}

export interface OracleDecision {
  /** In input order. */
  readonly removed: readonly Removal[];
  /** Pairs of kept documents that are above the threshold: none, if the decision is right. */
  readonly keptPairs: number;
}

interface Candidate {
  readonly document: TestDocument;
  readonly row: number;
  readonly key: number;
  readonly content: readonly [bigint, bigint];
  readonly textHash: bigint;
  readonly set: ReadonlySet<bigint>;
}

export function bruteForceStar(documents: readonly TestDocument[], options: OracleOptions): OracleDecision {
  const { numerator, denominator } = ratioOf(options.threshold)!;
  const inOrder = candidatesOf(documents, options).sort(compare);
  const isAbove = (common: number, a: number, b: number): boolean =>
    common * denominator > (a + b - common) * numerator;
  const decided = new Map<string, { witness: Candidate; jaccard: number }>();
  const representatives = new Map<string, Candidate>();
  const removals: { row: number; removal: Removal }[] = [];
  const kept: Candidate[] = [];
  for (const candidate of inOrder) {
    const content = candidate.content.join();
    const first = representatives.get(content);
    if (first !== undefined) {
      const { witness, jaccard } = decided.get(content) ?? { witness: first, jaccard: 1 };
      removals.push(removal(candidate, witness, jaccard));
      continue;
    }
    representatives.set(content, candidate);
    let best: { witness: Candidate; jaccard: number } | undefined;
    for (const witness of kept) {
      const common = intersection(candidate.set, witness.set);
      const jaccard = common / (candidate.set.size + witness.set.size - common);
      if (!isAbove(common, candidate.set.size, witness.set.size)) continue;
      if (best === undefined || jaccard > best.jaccard) best = { witness, jaccard };
    }
    if (best === undefined) {
      kept.push(candidate);
    } else {
      decided.set(content, best);
      removals.push(removal(candidate, best.witness, best.jaccard));
    }
  }
  let keptPairs = 0;
  for (const [i, a] of kept.entries()) {
    for (const b of kept.slice(0, i)) {
      if (isAbove(intersection(a.set, b.set), a.set.size, b.set.size)) keptPairs += 1;
    }
  }
  return { removed: removals.sort((a, b) => a.row - b.row).map((entry) => entry.removal), keptPairs };
}

function candidatesOf(documents: readonly TestDocument[], options: OracleOptions): Candidate[] {
  const engine = engineOf(options.engine ?? "native");
  const bytes = new Uint8Array(Buffer.from(documents.map(({ text }) => text).join("")));
  const offsets = new Uint32Array(documents.length + 1);
  for (const [i, { text }] of documents.entries()) offsets[i + 1] = offsets[i]! + Buffer.byteLength(text);
  const signing = { ...options.shingling, bands: 1, rows: 1, seed: 0n, simd: "auto" } as const;
  const signed = engine.signDocuments(bytes, offsets, signing);
  const rows = Uint32Array.from(documents.keys());
  const { hashes, offsets: ends } = engine.shingleSets(bytes, offsets, rows, options.shingling);
  return documents.map((document, row) => ({
    document,
    row,
    key: options.orderKey(document, row, signed.normalizedBytes[row]!),
    content: [signed.contentHashes[2 * row]!, signed.contentHashes[2 * row + 1]!],
    textHash: signed.textHashes[row]!,
    set: new Set(hashes.subarray(ends[row]!, ends[row + 1]!)),
  }));
}

function compare(a: Candidate, b: Candidate): number {
  if (a.key !== b.key) return a.key - b.key;
  for (const word of [0, 1] as const)
    if (a.content[word] !== b.content[word]) return a.content[word] < b.content[word] ? -1 : 1;
  if (a.textHash !== b.textHash) return a.textHash < b.textHash ? -1 : 1;
  return Buffer.compare(Buffer.from(a.document.id!), Buffer.from(b.document.id!));
}

function intersection(a: ReadonlySet<bigint>, b: ReadonlySet<bigint>): number {
  let common = 0;
  for (const shingle of a) if (b.has(shingle)) common += 1;
  return common;
}

function removal(candidate: Candidate, witness: Candidate, jaccard: number): { row: number; removal: Removal } {
  return { row: candidate.row, removal: { id: candidate.document.id!, kept: witness.document.id!, jaccard } };
}
