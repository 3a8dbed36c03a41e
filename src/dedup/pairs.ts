// Phases "crowded" (one task) and "pairs" (partition by lower document): the bands' findings become one set of members of
// crowded buckets and, range by range, the candidate pairs in order, each once. A pair inside the crowded set is left
// out: the join finds it.
import { type Spill, withSpill, writeSpill } from "../formats/spill.js";
import { native } from "../native.js";
import type { Phase, PhaseContext, TaskContext, TaskResult } from "../records/stage.js";
import { type BandSummary, SAMPLES_A_RANGE } from "./bands.js";
import { Bitmap } from "./bitmap.js";
import type { DedupConfig } from "./config.js";
import { GrowableUint32 } from "./growable.js";
import { numberingOf } from "./numbering.js";
import { partNames, readBitmap, spillPath } from "./spills.js";

interface CrowdedArgs {
  readonly numDocuments: number;
  readonly bands: readonly string[];
}

interface RangeArgs extends CrowdedArgs {
  readonly name: string;
  /** Lower documents in [begin, end). */
  readonly begin: number;
  readonly end: number;
}

export const CROWDED = "all";

export const crowdedPhase: Phase<DedupConfig> = {
  name: "crowded",
  kind: "reduce",
  plan(context) {
    const { numDocuments } = numberingOf(context);
    return [{ id: CROWDED, run: "dedup/crowded", args: { numDocuments, bands: bandNames(context) } }];
  },
};

export const pairsPhase: Phase<DedupConfig> = {
  name: "pairs",
  kind: "partition",
  plan(context) {
    const { numDocuments } = numberingOf(context);
    const bands = bandNames(context);
    const ranges = pairRanges(context, numDocuments);
    return partNames(ranges.length).map((name, i) => {
      const { begin, end } = ranges[i]!;
      return { id: name, run: "dedup/pairs", args: { numDocuments, bands, name, begin, end } };
    });
  },
};

function summaries(context: PhaseContext<DedupConfig>): BandSummary[] {
  return context.results("bands").map(({ data }) => data as BandSummary);
}

function bandNames(context: PhaseContext<DedupConfig>): string[] {
  return summaries(context).map(({ name }) => name);
}

/** Ranges of lower documents with about Limits.pairsARange pairs each; at least one, together all documents. */
function pairRanges(context: PhaseContext<DedupConfig>, numDocuments: number): { begin: number; end: number }[] {
  const samples = Uint32Array.from(summaries(context).flatMap((summary) => summary.samples)).sort();
  const borders = new Set<number>();
  for (let i = SAMPLES_A_RANGE; i < samples.length; i += SAMPLES_A_RANGE) borders.add(samples[i]!);
  borders.delete(0);
  const edges = [0, ...borders, numDocuments];
  return edges.slice(1).map((end, i) => ({ begin: edges[i]!, end }));
}

export async function collectCrowded(
  { numDocuments, bands }: CrowdedArgs,
  { workDir }: TaskContext,
): Promise<TaskResult> {
  const paths = bands.map((name) => spillPath(workDir, "bands", name));
  const { bits } = readBitmap(numDocuments, paths, "bands", "crowded");
  return { outputs: [await writeSpill(spillPath(workDir, "crowded", CROWDED), "crowded", { bits })], counts: {} };
}

export async function collectPairs(args: RangeArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numDocuments, bands, name, begin, end } = args;
  const parts = bands.map((band) => readPairs(spillPath(workDir, "bands", band), begin, end));
  const all = new BigUint64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  const unique = native().sortUnique(all);
  const crowded = readCrowded(workDir, numDocuments);
  const members = new Bitmap(numDocuments);
  const kept = new GrowableUint32();
  const halves = new Uint32Array(all.buffer, 0, unique * 2);
  for (let i = 0; i < halves.length; i += 2) {
    const [higher, lower] = [halves[i]!, halves[i + 1]!];
    if (crowded.has(lower) && crowded.has(higher)) continue;
    kept.push(higher);
    kept.push(lower);
    members.add(lower);
    members.add(higher);
  }
  const pairs = kept.view64();
  const output = await writeSpill(spillPath(workDir, "pairs", name), "pairs", { pairs, members: members.bits });
  return { outputs: [output], counts: { candidate_pairs: pairs.length } };
}

export function readCrowded(workDir: string, numDocuments: number): Bitmap {
  const bits = withSpill(spillPath(workDir, "crowded", CROWDED), "crowded", (spill) => spill.column("bits", "u8"));
  return new Bitmap(numDocuments, bits);
}

function readPairs(path: string, begin: number, end: number): BigUint64Array {
  return withSpill(path, "bands", (spill) =>
    spill.range("pairs", "u64", lowerBound(spill, begin), lowerBound(spill, end)),
  );
}

/** The first pair whose lower document is at least `document`. */
function lowerBound(spill: Spill, document: number): number {
  let low = 0;
  let high = spill.length("pairs");
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const lower = Number(spill.range("pairs", "u64", middle, middle + 1)[0]! >> 32n);
    if (lower < document) low = middle + 1;
    else high = middle;
  }
  return low;
}
