// Phase "statistics" (one task): what the run did and how well, in statistics.json (docs/formats/dedup-statistics.md).
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import { inputOfBlock } from "../formats/corpus.js";
import type { DedupStatistics } from "../formats/dedup-statistics.js";
import {
  DEDUP_STATISTICS_FILE,
  DEDUP_STATISTICS_FORMAT,
  DEDUP_STATISTICS_VERSION,
  formatDedupStatistics,
} from "../formats/dedup-statistics-file.js";
import { REJECTED_PREFIX } from "../formats/rejected.js";
import { type Spill, withSpill } from "../formats/spill.js";
import type { Shingling } from "../native/dedup.js";
import type { Phase, PhaseContext, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupEngine, type EngineName, engineOf } from "../text/engine.js";
import { Bitmap } from "./bitmap.js";
import { frequentShingles, passagesOf } from "./boilerplate.js";
import { clusterSizes } from "./cluster-sizes.js";
import type { DedupConfig } from "./config.js";
import { DECISION, type DecisionSummary } from "./decide.js";
import { readIds } from "./id-lookup.js";
import { readKeptText } from "./kept-texts.js";
import { type Limits, limitsOf } from "./limits.js";
import { findSharedBands, measurePairs, type Pairs } from "./measured-pairs.js";
import { blockOf, type Numbering, numberingOf } from "./numbering.js";
import { rangeNames } from "./pairs.js";
import { curveOf, leastSimilarity, type RecallInputs, recallOf, theoryAt } from "./recall.js";
import { SAMPLE, type SampleSummary } from "./sample.js";
import { Scratch } from "./scratch.js";
import { shinglingOf, thresholdOf } from "./settings.js";
import { countSources } from "./source-counts.js";
import { partNames, spillPath } from "./spills.js";
import type { Ratio } from "./threshold.js";
import { keptPath } from "./write.js";

type Counts = Readonly<Record<string, number>>;

interface StatisticsArgs {
  readonly numbering: Numbering;
  readonly foldParts: number;
  /** Files of pairs above the threshold. */
  readonly ranges: readonly string[];
  readonly sample: SampleSummary;
  readonly keptBytes: readonly number[];
  readonly shinglesABatch: number;
  readonly config: StatisticsConfig;
  /** Pairs above the threshold that the join of crowds found. */
  readonly numJoined: number;
  /** Sums over the phases before. */
  readonly counts: Counts;
  /** Rejected records, repeated ids aside, by file. */
  readonly unreadable: readonly FileRejects[];
  /** Files by the part of a block's id that names its input. */
  readonly files: Readonly<Record<string, string>>;
}

type StatisticsConfig = Pick<DedupConfig, "threshold" | "keep" | "bands" | "rows" | "seed" | "exact" | "textField"> & {
  readonly engine: EngineName;
  readonly shingling: Shingling;
  readonly ratio: Ratio;
};

interface FileRejects {
  readonly file: string;
  readonly rejected: Counts;
}

const COUNTED_PHASES = ["signatures", "ids", "pairs", "verify", "decide"];
const MAX_FILES = 100;
const ROWS_A_READ = 2 ** 16;

export const statisticsPhase = (overrides: Partial<Limits>): Phase<DedupConfig> => ({
  name: "statistics",
  kind: "reduce",
  plan(context) {
    const { config } = context;
    const { threshold, keep, bands, rows, seed, exact, textField, engine } = config;
    const decided = context.results("decide")[0]!;
    const args: StatisticsArgs = {
      numbering: numberingOf(context),
      foldParts: context.results("fold").length,
      ranges: rangeNames(context),
      sample: context.results("sample")[0]!.data as SampleSummary,
      keptBytes: (decided.data as DecisionSummary).keptBytes,
      shinglesABatch: limitsOf(config, overrides).shinglesABatch,
      config: {
        ...{ threshold, keep, bands, rows, seed, exact, textField, engine },
        shingling: { ...shinglingOf(config) },
        ratio: { ...thresholdOf(config) },
      },
      numJoined: decided.counts.candidate_pairs ?? 0,
      counts: sumCounts(COUNTED_PHASES.flatMap((phase) => context.results(phase)).map(({ counts }) => counts)),
      ...rejectsByFile(context),
    };
    return [{ id: "all", run: "dedup/statistics", args: args as never }];
  },
});

function sumCounts(all: readonly Counts[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const counts of all) for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

function rejectsByFile(context: PhaseContext<DedupConfig>): Pick<StatisticsArgs, "unreadable" | "files"> {
  const files: Record<string, string> = {};
  const byFile = new Map<string, Counts[]>();
  for (const { counts, data } of context.results("signatures")) {
    const input = inputOfBlock((data as { id: string }).id);
    const file = context.inputs[Number(input)]!.path;
    files[input] = file;
    const rejected = rejectedIn(counts);
    if (Object.keys(rejected).length > 0) byFile.set(file, [...(byFile.get(file) ?? []), rejected]);
  }
  return { files, unreadable: [...byFile].map(([file, all]) => ({ file, rejected: sumCounts(all) })) };
}

/** By reason. */
function rejectedIn(counts: Counts): Record<string, number> {
  const rejected = Object.entries(counts).filter(([name, count]) => name.startsWith(REJECTED_PREFIX) && count > 0);
  return Object.fromEntries(rejected.map(([name, count]) => [name.slice(REJECTED_PREFIX.length), count]).sort());
}

export function statisticsPath(workDir: string): string {
  return join(workDir, DEDUP_STATISTICS_FILE);
}

export async function collectStatistics(args: StatisticsArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, foldParts, config, counts } = args;
  const engine = engineOf(config.engine);
  const { numDocuments } = numbering;
  const decision = withSpill(spillPath(workDir, "decision", DECISION), "decision", (spill) => ({
    removed: readRemoved(spill, numDocuments),
    clusters: clusterSizes(spill, numDocuments),
  }));
  const recall = await Scratch.use(async (scratch) => measureRecall(args, workDir, engine, scratch, decision.removed));
  const { clusters, sizes, largest } = decision.clusters;
  const idOf = readIds(workDir, numbering, [largest.kept]);
  const rejected = rejectedIn(counts);
  const numRejected = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  const recordsRead = counts.documents_read ?? 0;
  const statistics: DedupStatistics = {
    format: DEDUP_STATISTICS_FORMAT,
    version: DEDUP_STATISTICS_VERSION,
    shingling: { ...config.shingling, sentence: sentenceOf(config.shingling) },
    threshold: config.threshold,
    keep: config.keep,
    engine: config.engine,
    exact: config.exact,
    bands: config.bands,
    rows: config.rows,
    theory_at_threshold: Number(theoryAt(config.threshold, config.bands, config.rows).toFixed(6)),
    funnel: {
      records_read: recordsRead,
      bytes_read: counts.bytes_read ?? 0,
      rejected,
      documents: recordsRead - numRejected,
      exact_copies: counts.exact_copies ?? 0,
      candidate_pairs: counts.candidate_pairs ?? 0,
      verified_pairs: counts.verified_pairs ?? 0,
      pairs_above: countEdges(workDir, args.ranges) + args.numJoined,
      near_duplicates: counts.near_duplicates ?? 0,
      removed: counts.documents_removed ?? 0,
      kept: counts.documents_kept ?? 0,
      bytes_kept: counts.bytes_kept ?? 0,
    },
    clusters: {
      clusters,
      sizes,
      largest: Array.from(largest.kept, (kept, i) => ({ kept: idOf(kept), documents: largest.documents[i]! })),
    },
    sources: countSources(workDir, numbering, foldParts, engine),
    recall: recallOf(recall),
    curve: curveOf(recall),
    boilerplate: await findBoilerplate(args, workDir, recall.isRemoved),
    unreadable: unreadableFiles(args, workDir),
  };
  const path = statisticsPath(workDir);
  return { outputs: [await writeFileAtomic(path, formatDedupStatistics(statistics))], counts: {} };
}

function readRemoved(decision: Spill, numDocuments: number): Bitmap {
  const removed = new Bitmap(numDocuments);
  const numRemoved = decision.length("documents");
  for (let row = 0; row < numRemoved; row += ROWS_A_READ) {
    removed.addAll(decision.range("documents", "u32", row, Math.min(row + ROWS_A_READ, numRemoved)));
  }
  return removed;
}

function countEdges(workDir: string, ranges: readonly string[]): number {
  return ranges
    .flatMap((name) =>
      withSpill(spillPath(workDir, "edges", name), "edges", (spill) => [...spill.column("runs", "u32")]),
    )
    .reduce((sum, length) => sum + length, 0);
}

function measureRecall(
  { numbering, sample, shinglesABatch, config }: StatisticsArgs,
  workDir: string,
  engine: DedupEngine,
  scratch: Scratch,
  removed: Bitmap,
): RecallInputs {
  const { bands, rows, seed, exact, ratio } = config;
  const drawn = withSpill(spillPath(workDir, "sample", SAMPLE), "sample", (spill) => ({
    documents: spill.column("documents", "u32"),
    pairs: spill.column("pairs", "u64"),
  }));
  const unique = unordered(drawn.pairs, engine);
  const least = leastSimilarity(ratio);
  const pairs = measurePairs(workDir, numbering, unique, least, shinglesABatch, engine, scratch);
  const { lower, higher, intersection } = pairs;
  const onCurve = Uint32Array.from(lower.keys()).filter((i) => intersection[i]! > 0);
  const looked = { lower: onCurve.map((i) => lower[i]!), higher: onCurve.map((i) => higher[i]!) };
  const shared = new Uint8Array(lower.length);
  for (const [at, found] of findSharedBands(workDir, numbering, looked, bands).entries()) shared[onCurve[at]!] = found;
  return {
    ...{ sample, documents: drawn.documents, pairs, shared, threshold: ratio, bands, rows, exact, seed },
    isRemoved: (document) => removed.has(document),
  };
}

/** Each pair once, by lower document, whichever of the two was sampled. */
function unordered(pairs: BigUint64Array, engine: DedupEngine): Pairs {
  const halves = new Uint32Array(pairs.buffer, pairs.byteOffset, 2 * pairs.length);
  for (let i = 0; i < halves.length; i += 2) {
    const [a, b] = [halves[i]!, halves[i + 1]!];
    halves[i] = Math.max(a, b);
    halves[i + 1] = Math.min(a, b);
  }
  const distinct = halves.subarray(0, 2 * engine.sortUnique(pairs));
  return { lower: distinct.filter((_, i) => i % 2 === 1), higher: distinct.filter((_, i) => i % 2 === 0) };
}

async function findBoilerplate(
  { numbering, foldParts, keptBytes, config }: StatisticsArgs,
  workDir: string,
  isRemoved: (document: number) => boolean,
): Promise<DedupStatistics["boilerplate"]> {
  const read = withSpill(spillPath(workDir, "sample", SAMPLE), "sample", (spill) => spill.column("read", "u32"));
  const frequent = frequentShingles(workDir, numbering, read, (document) => !isRemoved(document));
  const file = { path: keptPath(workDir), keptBytes, textField: config.textField };
  const parts = partNames(foldParts);
  const textOf = (document: number): Promise<string> => readKeptText(workDir, numbering, file, parts, document);
  return { documents: read.length, passages: await passagesOf(frequent, config.shingling, textOf) };
}

/** Files with records that became no documents; those with most first. */
function unreadableFiles(
  { numbering, foldParts, files, unreadable }: StatisticsArgs,
  workDir: string,
): DedupStatistics["unreadable"] {
  const byFile = new Map(unreadable.map(({ file, rejected }) => [file, [rejected]]));
  for (const name of partNames(foldParts)) {
    const repeated = withSpill(spillPath(workDir, "ids", name), "ids", (spill) => spill.column("documents", "u32"));
    for (const document of repeated) {
      const file = files[inputOfBlock(blockOf(numbering.blocks, document).id)]!;
      byFile.set(file, [sumCounts([...(byFile.get(file) ?? []), { "duplicate-id": 1 }])]);
    }
  }
  const list = [...byFile].map(([file, all]) => ({ file, rejected: sumCounts(all) }));
  const total = ({ rejected }: FileRejects): number => Object.values(rejected).reduce((sum, count) => sum + count, 0);
  list.sort((a, b) => total(b) - total(a) || (a.file < b.file ? -1 : 1));
  return { files: list.length, list: list.slice(0, MAX_FILES) };
}

/** What two documents are compared by. */
function sentenceOf({ unit, size }: Shingling): string {
  return unit === "word"
    ? `runs of ${size} consecutive words, each once; words are runs of letters, marks and numbers after NFC and full case ` +
        "folding, and single characters of Han, Kana, Thai, Lao, Khmer and Myanmar"
    : `runs of ${size} consecutive characters of the words, each once, with one space where others stood between two words, ` +
        "after NFC and full case folding";
}
