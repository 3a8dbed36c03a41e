// Phase "bands" (partition by bands and range of keys): documents with one key in a band are candidates of each other.
// Buckets above maxBucket are not paired out: their members go to the join of the deciding phase. With `exact` there is
// nothing to do: every representative goes there.
import { type SpillWriter, writeSpillRows } from "../formats/spill.js";
import type { Phase, TaskContext, TaskResult } from "../records/stage.js";
import { type DedupEngine, type EngineName, engineOf } from "../text/engine.js";
import type { DedupConfig } from "./config.js";
import { type Limits, limitsOf } from "./limits.js";
import { type Numbering, numberingOf } from "./numbering.js";
import { Scratch } from "./scratch.js";
import { type GatheredHashes, gatherHashes, numParts, readExcluded, spillPath } from "./spills.js";

/** Ranges of the next phase are cut to a hundredth of their size, or finer. */
const SAMPLES_A_RANGE = 128;
const MAX_PAIRS_A_SAMPLE = 1024;
/** Tasks of a run that is large enough: so many workers are kept busy. */
const MIN_TASKS = 8;
/** Keys that are not worth a task of their own. */
const MIN_KEYS = 2 ** 20;

interface BandArgs {
  readonly numbering: Numbering;
  /** Bands in [first, end). */
  readonly first: number;
  readonly end: number;
  readonly part: number;
  readonly parts: number;
  readonly foldParts: number;
  readonly maxBucket: number;
  readonly pairsARun: number;
  readonly pairsASample: number;
  readonly engine: EngineName;
}

/** What a task tells later phases. */
export type BandSummary = {
  readonly name: string;
  /** The lower document of every so many pairs: what the next phase cuts its ranges by. */
  readonly samples: readonly number[];
};

export const bandsPhase = (overrides: Partial<Limits>): Phase<DedupConfig> => ({
  name: "bands",
  kind: "partition",
  plan(context) {
    const { bands, exact, engine } = context.config;
    if (exact) return [];
    const limits = limitsOf(context.config, overrides);
    const numbering = numberingOf(context);
    const { numDocuments } = numbering;
    const parts = numParts(numDocuments, limits.keysAPart);
    const bandsATask = groupSize(bands, Math.ceil(numDocuments / parts), limits.keysAPart);
    const base = {
      numbering,
      parts,
      foldParts: context.results("fold").length,
      maxBucket: limits.maxBucket,
      // One group of keys always has room.
      pairsARun: Math.max(limits.pairsARange, limits.maxBucket ** 2),
      pairsASample: pairsASample(limits),
      engine,
    };
    return Array.from({ length: Math.ceil(bands / bandsATask) * parts }, (_, i) => {
      const [first, part] = [Math.floor(i / parts) * bandsATask, i % parts];
      const args: BandArgs = { ...base, first, end: Math.min(first + bandsATask, bands), part };
      return { id: taskName(first, part), run: "dedup/band", args: args as never };
    });
  },
});

export function pairsASample({ pairsARange }: Limits): number {
  return Math.min(Math.ceil(pairsARange / SAMPLES_A_RANGE), MAX_PAIRS_A_SAMPLE);
}

/** Bands of one task: as many as fit, but few enough to share the work, unless there is little of it. */
function groupSize(bands: number, documentsAPart: number, keysAPart: number): number {
  const fitting = Math.floor(keysAPart / Math.max(1, documentsAPart));
  const sharing = Math.max(Math.ceil(bands / MIN_TASKS), Math.floor(MIN_KEYS / Math.max(1, documentsAPart)));
  return Math.max(1, Math.min(bands, fitting, sharing));
}

function taskName(band: number, part: number): string {
  return `${String(band).padStart(4, "0")}-${String(part).padStart(4, "0")}`;
}

export async function pairBands(args: BandArgs, { workDir }: TaskContext): Promise<TaskResult> {
  const { numbering, first, end, part, parts, foldParts, maxBucket, pairsARun, pairsASample } = args;
  const engine = engineOf(args.engine);
  const name = taskName(first, part);
  const samples: number[] = [];
  const output = await Scratch.use((scratch) => {
    const excluded = readExcluded(workDir, numbering.numDocuments, foldParts);
    const columns = Array.from({ length: end - first }, (_, i) => `band-${first + i}`);
    const options = { columns, words: 1, part, parts, excluded } as const;
    const gathered = gatherHashes(workDir, numbering, options, engine, scratch);
    return writeSpillRows(spillPath(workDir, "bands", name), "bands", async (writer) => {
      const runs = new PairRuns(writer, engine, scratch.u64("pairs", pairsARun), pairsASample, samples);
      for (const keys of gathered) await pairBand(keys, maxBucket, engine, scratch, runs);
      await runs.finish();
    });
  });
  return { outputs: [output], counts: {}, data: { name, samples } satisfies BandSummary };
}

async function pairBand(
  { hashes, documents }: GatheredHashes,
  maxBucket: number,
  engine: DedupEngine,
  scratch: Scratch,
  runs: PairRuns,
): Promise<void> {
  const { length } = documents;
  const grouped = engine.groupKeys(
    hashes,
    documents,
    scratch.u64("hashScratch", length),
    scratch.u32("documentScratch", length),
  );
  const [keys, members] = [hashes.subarray(0, grouped), documents.subarray(0, grouped)];
  for (let begin = 0; begin < grouped; ) {
    await runs.makeRoom((maxBucket * (maxBucket - 1)) / 2);
    const { next, numPairs, crowded } = engine.pairGroups(keys, members, begin, maxBucket, runs.room());
    await runs.take(numPairs, crowded);
    begin = next;
  }
}

/** Pairs of all bands of a task, sorted a run at a time, each once a run. */
class PairRuns {
  readonly #writer: SpillWriter;
  readonly #engine: DedupEngine;
  readonly #pairs: BigUint64Array;
  readonly #pairsASample: number;
  readonly #samples: number[];
  #filled = 0;

  constructor(
    writer: SpillWriter,
    engine: DedupEngine,
    pairs: BigUint64Array,
    pairsASample: number,
    samples: number[],
  ) {
    this.#writer = writer;
    this.#engine = engine;
    this.#pairs = pairs;
    this.#pairsASample = pairsASample;
    this.#samples = samples;
  }

  async makeRoom(pairs: number): Promise<void> {
    if (this.#filled + pairs > this.#pairs.length) await this.#flush();
  }

  room(): BigUint64Array {
    return this.#pairs.subarray(this.#filled);
  }

  async take(numPairs: number, crowded: Uint32Array): Promise<void> {
    this.#filled += numPairs;
    await this.#writer.append({ crowded });
  }

  /** What is left, and the columns even when there is nothing. */
  async finish(): Promise<void> {
    await this.#flush();
    await this.#writer.append({ crowded: new Uint32Array(0) });
  }

  async #flush(): Promise<void> {
    const unique = this.#engine.sortUnique(this.#pairs.subarray(0, this.#filled));
    const pairs = this.#pairs.subarray(0, unique);
    const halves = new Uint32Array(pairs.buffer, pairs.byteOffset, pairs.length * 2);
    for (let i = 0; i < unique; i += this.#pairsASample) this.#samples.push(halves[2 * i + 1]!);
    await this.#writer.append({ pairs, runs: unique === 0 ? new Uint32Array(0) : Uint32Array.of(unique) });
    this.#filled = 0;
  }
}
