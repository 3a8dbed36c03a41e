// Phase "decide" (one ordered pass): the total order, the star of survivors, copies sent along with their representatives.
// Leaves one fate a document, and how many bytes of kept.jsonl each block will write.
import { withSpill, writeSpill } from "../formats/spill.js";
import { native } from "../native.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import type { Bitmap } from "./bitmap.js";
import { type DedupConfig, thresholdOf } from "./config.js";
import { type Numbering, numberingOf, writeNumbering } from "./numbering.js";
import { readCrowded } from "./pairs.js";
import { rangeNames, ShingleReader } from "./shingle-sets.js";
import { partNames, spillPath } from "./spills.js";
import { type CrowdedSets, decideStar, type StarDecision } from "./star.js";
import type { Ratio } from "./threshold.js";
import type { Edges } from "./verify.js";

export const FATE_KEPT = 0;
export const FATE_REMOVED = 1;
export const FATE_REJECTED = 2;
export const DECISION = "all";

interface DecideArgs {
  readonly numbering: Numbering;
  readonly keep: DedupConfig["keep"];
  readonly threshold: Ratio;
  /** Blocks with spilled shingle sets. */
  readonly shingled: readonly string[];
  readonly ranges: readonly string[];
  /** Parts of repeated ids and of copies. */
  readonly parts: readonly string[];
}

/** What later phases plan with: bytes of kept.jsonl by block, in order. */
export type DecisionSummary = { readonly keptBytes: readonly number[] };

export const decidePhase: Phase<DedupConfig> = {
  name: "decide",
  kind: "reduce",
  plan(context) {
    const numbering = numberingOf(context);
    const { keep } = context.config;
    const shingled = context.results("shingles").map(({ data }) => data as string);
    const threshold = thresholdOf(context.config);
    const parts = partNames(context.results("fold").length);
    const args = { numbering, keep, threshold, shingled, ranges: rangeNames(context), parts } satisfies DecideArgs;
    return [{ id: DECISION, run: "dedup/decide", args: args as never }];
  },
};

export async function decide(args: DecideArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, keep, threshold, shingled, ranges, parts } = args;
  const candidates = readCandidates(workDir, shingled, keep);
  const rankOf = new Uint32Array(numbering.numDocuments);
  for (const [rank, document] of candidates.entries()) rankOf[document] = rank;
  const crowded = readCrowded(workDir, numbering.numDocuments);
  const isCrowded = Uint8Array.from(candidates, (document) => (crowded.has(document) ? 1 : 0));
  const sets = new ShingleReader(workDir, numbering);
  let star: StarDecision;
  try {
    const crowdedSets: CrowdedSets = {
      set: (document) => sets.set(document),
      counters: countCrowded(sets, candidates, crowded),
    };
    star = decideStar({ documents: candidates, rankOf, isCrowded, threshold }, readEdges(workDir, ranges), crowdedSets);
  } finally {
    sets.close();
  }
  const fates = new FateTable(numbering.numDocuments);
  for (const name of parts) {
    const repeated = withSpill(spillPath(workDir, "ids", name), "ids", (spill) => spill.column("documents", "u32"));
    for (const document of repeated) fates.fate[document] = FATE_REJECTED;
  }
  let nearDuplicates = 0;
  for (const [rank, document] of candidates.entries()) {
    if (star.removed[rank] === 0) continue;
    fates.remove(document, candidates[star.witness[rank]!]!, star.intersection[rank]!, star.union[rank]!);
    nearDuplicates += 1;
  }
  let exactCopies = 0;
  for (const name of parts) exactCopies += fates.removeCopies(spillPath(workDir, "copies", name));
  const output = await writeSpill(spillPath(workDir, "decision", DECISION), "decision", fates.columns());
  const keptBytes = countKeptBytes(workDir, numbering, fates.fate);
  const counts = {
    documents_removed: nearDuplicates + exactCopies,
    documents_kept: fates.numKept(),
    near_duplicates: nearDuplicates,
    exact_copies: exactCopies,
    candidate_pairs: star.numJoined,
    verified_pairs: star.numJoined,
    bytes_kept: keptBytes.reduce((sum, bytes) => sum + bytes, 0),
  };
  const outputs = [output, await writeNumbering(workDir, numbering)];
  return { outputs, counts, data: { keptBytes } satisfies DecisionSummary };
}

/** Candidates in the total order. They are representatives, so no two have the same content hash. */
function readCandidates(workDir: string, shingled: readonly string[], keep: DedupConfig["keep"]): Uint32Array {
  const blocks = shingled.map((id) =>
    withSpill(spillPath(workDir, "shingles", id), "shingles", (spill) => ({
      documents: spill.column("documents", "u32"),
      normalizedBytes: spill.column("normalizedBytes", "u32"),
      contentHashes: spill.column("contentHashes", "u64"),
    })),
  );
  const documents = concatenate(
    Uint32Array,
    blocks.map((block) => block.documents),
  );
  if (keep === "first") return documents;
  const normalizedBytes = concatenate(
    Uint32Array,
    blocks.map((block) => block.normalizedBytes),
  );
  const contentHashes = concatenate(
    BigUint64Array,
    blocks.map((block) => block.contentHashes),
  );
  return native()
    .orderLongest(normalizedBytes, contentHashes)
    .map((row) => documents[row]!);
}

function readEdges(workDir: string, ranges: readonly string[]): Edges {
  const parts = ranges.map((name) =>
    withSpill(spillPath(workDir, "edges", name), "edges", (spill) => ({
      lower: spill.column("lower", "u32"),
      higher: spill.column("higher", "u32"),
      intersection: spill.column("intersection", "u32"),
      union: spill.column("union", "u32"),
    })),
  );
  const all = (column: keyof Edges): Uint32Array =>
    concatenate(
      Uint32Array,
      parts.map((part) => part[column]),
    );
  return { lower: all("lower"), higher: all("higher"), intersection: all("intersection"), union: all("union") };
}

function concatenate<A extends Uint32Array | BigUint64Array>(type: new (length: number) => A, parts: readonly A[]): A {
  const whole = new type(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    whole.set(part as never, filled);
    filled += part.length;
  }
  return whole;
}

const MIN_COUNTER_BITS = 10;
const MAX_COUNTER_BITS = 24;

/** Estimates how often each shingle occurs in the crowd, with about one counter a shingle. */
function countCrowded(sets: ShingleReader, candidates: Uint32Array, crowded: Bitmap): Uint32Array {
  // In the order of the files, not in the order of the star: counting reads everything once.
  const members = candidates.filter((document) => crowded.has(document)).sort();
  let numShingles = 0;
  for (const document of members) numShingles += sets.size(document);
  const bits = Math.min(Math.max(Math.ceil(Math.log2(numShingles + 1)), MIN_COUNTER_BITS), MAX_COUNTER_BITS);
  const counters = new Uint32Array(2 ** bits);
  for (const document of members) native().countShingles(sets.set(document), counters);
  return counters;
}

class FateTable {
  readonly fate: Uint8Array;
  readonly #witness: Uint32Array;
  readonly #intersection: Uint32Array;
  readonly #union: Uint32Array;

  constructor(numDocuments: number) {
    this.fate = new Uint8Array(numDocuments);
    this.#witness = new Uint32Array(numDocuments);
    this.#intersection = new Uint32Array(numDocuments);
    this.#union = new Uint32Array(numDocuments);
  }

  columns() {
    return { fate: this.fate, witness: this.#witness, intersection: this.#intersection, union: this.#union };
  }

  numKept(): number {
    let kept = 0;
    for (const fate of this.fate) kept += fate === FATE_KEPT ? 1 : 0;
    return kept;
  }

  remove(document: number, witness: number, intersection: number, union: number): void {
    this.fate[document] = FATE_REMOVED;
    this.#witness[document] = witness;
    this.#intersection[document] = intersection;
    this.#union[document] = union;
  }

  /** A copy goes to its representative, or to that one's witness, with the same similarity: their sets are equal. */
  removeCopies(path: string): number {
    return withSpill(path, "copies", (spill) => {
      const copies = spill.column("documents", "u32");
      const representatives = spill.column("representatives", "u32");
      for (const [i, copy] of copies.entries()) {
        const representative = representatives[i]!;
        if (this.fate[representative] === FATE_KEPT) this.remove(copy, representative, 1, 1);
        else
          this.remove(
            copy,
            this.#witness[representative]!,
            this.#intersection[representative]!,
            this.#union[representative]!,
          );
      }
      return copies.length;
    });
  }
}

function countKeptBytes(workDir: string, { blocks }: Numbering, fate: Uint8Array): number[] {
  return blocks.map(({ id, base }) => {
    const lineBytes = withSpill(spillPath(workDir, "signatures", id), "signatures", (spill) =>
      spill.column("lineBytes", "u32"),
    );
    return lineBytes.reduce((sum, bytes, row) => sum + (fate[base + row] === FATE_KEPT ? bytes : 0), 0);
  });
}
