// Phases "crowded" (one task) and "pairs" (partition by lower document): the bands' findings become one set of members of
// crowded buckets and, range by range, the candidate pairs in order, each once. A pair inside the crowded set is left
// out: the join finds it. With `exact` the set is all representatives, and there are no other pairs.
import { type Spill, withSpill, writeSpill } from "../formats/spill.js";
import type { Phase, PhaseContext, TaskContext, TaskResult } from "../records/stage.js";
import { type EngineName, engineOf } from "../text/engine.js";
import { type BandSummary, pairsASample } from "./bands.js";
import { Bitmap } from "./bitmap.js";
import type { DedupConfig } from "./config.js";
import { type Limits, limitsOf } from "./limits.js";
import { numberingOf } from "./numbering.js";
import { partNames, readBitmap, readExcluded, spillPath } from "./spills.js";

interface CrowdedArgs {
  readonly numDocuments: number;
  readonly bands: readonly string[];
  readonly exact: boolean;
  readonly foldParts: number;
}

interface RangeArgs {
  readonly numDocuments: number;
  readonly bands: readonly string[];
  readonly name: string;
  /** Lower documents in [begin, end). */
  readonly begin: number;
  readonly end: number;
  readonly engine: EngineName;
}

export const CROWDED = "all";

/** Of a run that has so many samples: so many workers are kept busy. */
const MIN_RANGES = 8;

export const crowdedPhase: Phase<DedupConfig> = {
  name: "crowded",
  kind: "reduce",
  plan(context) {
    const { numDocuments } = numberingOf(context);
    const { exact } = context.config;
    const foldParts = context.results("fold").length;
    const args = { numDocuments, bands: bandNames(context), exact, foldParts } satisfies CrowdedArgs;
    return [{ id: CROWDED, run: "dedup/crowded", args }];
  },
};

export const pairsPhase = (overrides: Partial<Limits>): Phase<DedupConfig> => ({
  name: "pairs",
  kind: "partition",
  plan(context) {
    const { engine, exact } = context.config;
    if (exact) return [];
    const { numDocuments } = numberingOf(context);
    const bands = bandNames(context);
    const ranges = pairRanges(context, numDocuments, limitsOf(context.config, overrides));
    return partNames(ranges.length).map((name, i) => {
      const { begin, end } = ranges[i]!;
      return {
        id: name,
        run: "dedup/pairs",
        args: { numDocuments, bands, name, begin, end, engine } satisfies RangeArgs,
      };
    });
  },
});

/** Names of the files of candidate pairs. */
export function rangeNames(context: PhaseContext<DedupConfig>): string[] {
  return partNames(context.results("pairs").length);
}

function summaries(context: PhaseContext<DedupConfig>): BandSummary[] {
  return context.results("bands").map(({ data }) => data as BandSummary);
}

function bandNames(context: PhaseContext<DedupConfig>): string[] {
  return summaries(context).map(({ name }) => name);
}

/** Ranges of lower documents with Limits.pairsARange pairs each or fewer, about; at least one, together all documents. */
function pairRanges(
  context: PhaseContext<DedupConfig>,
  numDocuments: number,
  limits: Limits,
): { begin: number; end: number }[] {
  const samples = Uint32Array.from(summaries(context).flatMap((summary) => summary.samples)).sort();
  const most = Math.max(1, Math.floor(limits.pairsARange / pairsASample(limits)));
  const samplesARange = Math.min(most, Math.max(1, Math.ceil(samples.length / MIN_RANGES)));
  const borders = new Set<number>();
  for (let i = samplesARange; i < samples.length; i += samplesARange) borders.add(samples[i]!);
  borders.delete(0);
  const edges = [0, ...borders, numDocuments];
  return edges.slice(1).map((end, i) => ({ begin: edges[i]!, end }));
}

export async function collectCrowded(args: CrowdedArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numDocuments, bands, exact, foldParts } = args;
  const paths = bands.map((name) => spillPath(workDir, "bands", name));
  const { bits } = exact
    ? readExcluded(workDir, numDocuments, foldParts).complement(numDocuments)
    : readBitmap(numDocuments, paths, "bands", "crowded");
  return { outputs: [await writeSpill(spillPath(workDir, "crowded", CROWDED), "crowded", { bits })], counts: {} };
}

export async function collectPairs(args: RangeArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numDocuments, bands, name, begin, end, engine } = args;
  const parts = bands.flatMap((band) => readPairs(spillPath(workDir, "bands", band), begin, end));
  const all = new BigUint64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  const unique = engineOf(engine).sortUnique(all);
  const crowded = readCrowded(workDir, numDocuments);
  const members = new Bitmap(numDocuments);
  const halves = new Uint32Array(all.buffer, 0, unique * 2);
  let kept = 0;
  for (let i = 0; i < halves.length; i += 2) {
    const [higher, lower] = [halves[i]!, halves[i + 1]!];
    if (crowded.has(lower) && crowded.has(higher)) continue;
    halves[kept] = higher;
    halves[kept + 1] = lower;
    kept += 2;
    members.add(lower);
    members.add(higher);
  }
  const pairs = all.subarray(0, kept / 2);
  const output = await writeSpill(spillPath(workDir, "pairs", name), "pairs", { pairs, members: members.bits });
  return { outputs: [output], counts: { candidate_pairs: pairs.length } };
}

export function readCrowded(workDir: string, numDocuments: number): Bitmap {
  const bits = withSpill(spillPath(workDir, "crowded", CROWDED), "crowded", (spill) => spill.column("bits", "u8"));
  return new Bitmap(numDocuments, bits);
}

/** The range's part of each run of a file. */
function readPairs(path: string, begin: number, end: number): BigUint64Array[] {
  return withSpill(path, "bands", (spill) => {
    let first = 0;
    return Array.from(spill.column("runs", "u32"), (length) => {
      const last = first + length;
      const [from, to] = [lowerBound(spill, first, last, begin), lowerBound(spill, first, last, end)];
      first = last;
      return spill.range("pairs", "u64", from, to);
    });
  });
}

/** The first pair of the sorted pairs [first, last) whose lower document is at least `document`. */
function lowerBound(spill: Spill, first: number, last: number, document: number): number {
  let [low, high] = [first, last];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const lower = Number(spill.range("pairs", "u64", middle, middle + 1)[0]! >> 32n);
    if (lower < document) low = middle + 1;
    else high = middle;
  }
  return low;
}
