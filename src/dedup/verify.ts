// Phase "verify" (partition, one task a file of candidate pairs): exact Jaccard of every pair, decided in integers. Sets are
// loaded for a batch of pairs at a time, so memory does not depend on how many pairs there are.
import { withSpill, writeSpill } from "../formats/spill.js";
import { native } from "../native.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupConfig, thresholdOf } from "./config.js";
import { GrowableUint32 } from "./growable.js";
import type { Limits } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { rangeNames, ShingleReader } from "./shingle-sets.js";
import { spillPath } from "./spills.js";
import { isAbove, type Ratio } from "./threshold.js";

interface VerifyArgs {
  readonly numbering: Numbering;
  readonly name: string;
  readonly threshold: Ratio;
  readonly shinglesABatch: number;
}

export const verifyPhase = (limits: Limits): Phase<DedupConfig> => ({
  name: "verify",
  kind: "partition",
  plan(context) {
    const numbering = numberingOf(context);
    const threshold = thresholdOf(context.config);
    return rangeNames(context).map((name) => ({
      id: name,
      run: "dedup/verify",
      args: { numbering, name, threshold, shinglesABatch: limits.shinglesABatch } satisfies VerifyArgs as never,
    }));
  },
});

export async function verifyPairs(args: VerifyArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, name, threshold, shinglesABatch } = args;
  const pairs = withSpill(spillPath(workDir, "pairs", name), "pairs", (spill) => spill.column("pairs", "u64"));
  const halves = new Uint32Array(pairs.buffer, pairs.byteOffset, pairs.length * 2);
  const sets = new ShingleReader(workDir, numbering);
  const batch = new SetBatch(sets, threshold, shinglesABatch);
  try {
    for (let i = 0; i < halves.length; i += 2) batch.add(halves[i + 1]!, halves[i]!);
    batch.flush();
  } finally {
    sets.close();
  }
  const output = await writeSpill(spillPath(workDir, "edges", name), "edges", batch.edges());
  return { outputs: [output], counts: { verified_pairs: pairs.length } };
}

/** Columns of pairs above the threshold. */
export interface Edges {
  readonly lower: Uint32Array;
  readonly higher: Uint32Array;
  readonly intersection: Uint32Array;
  readonly union: Uint32Array;
}

class SetBatch {
  readonly #sets: ShingleReader;
  readonly #threshold: Ratio;
  readonly #edges = {
    lower: new GrowableUint32(),
    higher: new GrowableUint32(),
    intersection: new GrowableUint32(),
    union: new GrowableUint32(),
  };
  /** The batch: places of documents among its sets, the sets one after another, pairs of documents and of places. */
  readonly #places = new Map<number, number>();
  #hashes: BigUint64Array;
  readonly #offsets = new GrowableUint32();
  readonly #documents = new GrowableUint32();
  readonly #pairs = new GrowableUint32();

  constructor(sets: ShingleReader, threshold: Ratio, shinglesABatch: number) {
    this.#hashes = new BigUint64Array(shinglesABatch);
    this.#sets = sets;
    this.#threshold = threshold;
    this.#offsets.push(0);
  }

  edges(): Record<keyof Edges, Uint32Array> {
    const { lower, higher, intersection, union } = this.#edges;
    return { lower: lower.view(), higher: higher.view(), intersection: intersection.view(), union: union.view() };
  }

  add(lower: number, higher: number): void {
    const [a, b] = [this.#sets.size(lower), this.#sets.size(higher)];
    if (!isAbove(Math.min(a, b), Math.max(a, b), this.#threshold)) return;
    const used = this.#offsets.view()[this.#offsets.length - 1]!;
    const more = (this.#places.has(lower) ? 0 : a) + (this.#places.has(higher) ? 0 : b);
    if (used > 0 && used + more > this.#hashes.length) this.flush();
    this.#documents.push(lower);
    this.#documents.push(higher);
    this.#pairs.push(this.#place(lower));
    this.#pairs.push(this.#place(higher));
  }

  flush(): void {
    const offsets = this.#offsets.view();
    const [pairs, documents] = [this.#pairs.view(), this.#documents.view()];
    const common = native().intersectSets(this.#hashes, offsets, pairs);
    for (const [i, intersection] of common.entries()) {
      const [a, b] = [pairs[2 * i]!, pairs[2 * i + 1]!];
      const union = offsets[a + 1]! - offsets[a]! + offsets[b + 1]! - offsets[b]! - intersection;
      if (!isAbove(intersection, union, this.#threshold)) continue;
      this.#edges.lower.push(documents[2 * i]!);
      this.#edges.higher.push(documents[2 * i + 1]!);
      this.#edges.intersection.push(intersection);
      this.#edges.union.push(union);
    }
    this.#places.clear();
    this.#offsets.clear();
    this.#offsets.push(0);
    this.#documents.clear();
    this.#pairs.clear();
  }

  #place(document: number): number {
    let place = this.#places.get(document);
    if (place === undefined) {
      const set = this.#sets.set(document);
      place = this.#places.size;
      const end = this.#offsets.view()[place]! + set.length;
      if (end > this.#hashes.length) {
        const larger = new BigUint64Array(end);
        larger.set(this.#hashes);
        this.#hashes = larger;
      }
      this.#hashes.set(set, end - set.length);
      this.#offsets.push(end);
      this.#places.set(document, place);
    }
    return place;
  }
}
