// How much one task takes on. These bound memory, never change the result; tests make them small, so that a small corpus
// takes every path of a large one. `maxBucket` alone may change which pairs are looked at: a join finds all it could.
import type { DedupConfig } from "./config.js";
import { memoryBytesOf } from "./settings.js";

export interface Limits {
  /** Documents whose 128-bit hashes one task groups, about. */
  readonly documentsAPart: number;
  /** Band keys that one task groups, about: of a part of the documents, of several bands where these are few. */
  readonly keysAPart: number;
  /** Candidate pairs of one task, about, counted over all bands; also how many are sorted at a time. */
  readonly pairsARange: number;
  /** Shingles in memory at a time while sets are compared or counted; a larger set, or pair, is still taken. */
  readonly shinglesABatch: number;
  /** Documents of a bucket that are paired out; the members of larger ones are joined. */
  readonly maxBucket: number;
  /** Records of an external sort that are in memory. */
  readonly recordsARun: number;
  /** Of the sets kept in the join, with their index. */
  readonly joinBytes: number;
  /** Of the join's counters: 2-bit ones, 32-bit ones. */
  readonly maxSeenBits: number;
  readonly maxCounterBits: number;
  /** Documents sampled and pairs compared to measure recall, if there are so many (sample.ts). */
  readonly minSampled: number;
  readonly minCompared: number;
}

export const LIMITS: Limits = {
  documentsAPart: 2 ** 22,
  keysAPart: 2 ** 23,
  pairsARange: 2 ** 21,
  shinglesABatch: 2 ** 19,
  maxBucket: 64,
  recordsARun: 2 ** 20,
  joinBytes: 2 ** 30,
  maxSeenBits: 31,
  maxCounterBits: 24,
  minSampled: 1000,
  minCompared: 200,
};

/** Resident memory of the main thread and of each worker beside what their task asks for, measured (decision 0022). */
const MAIN_BYTES = 100 * 2 ** 20;
const WORKER_BYTES = 28 * 2 ** 20;
/** Both, and what earlier phases have left behind: the join is in a reduce, whose worker is alone. */
const REDUCE_BASE_BYTES = 160 * 2 ** 20;
const MIN_TASK_BYTES = 40 * 2 ** 20;
const MAX_TASK_BYTES = 640 * 2 ** 20;

/** What one task may ask for; by the bound alone, so that tasks are the same whatever the number of workers. */
function taskBytes(memoryBytes: number): number {
  const aQuarter = (memoryBytes - MAIN_BYTES) / 4 - WORKER_BYTES;
  return Math.min(Math.max(aQuarter, MIN_TASK_BYTES), MAX_TASK_BYTES);
}

/** How many workers there is memory for. */
export function maxWorkers(config: DedupConfig): number | undefined {
  const memoryBytes = memoryBytesOf(config);
  if (memoryBytes === undefined) return undefined;
  return Math.max(1, Math.floor((memoryBytes - MAIN_BYTES) / (WORKER_BYTES + taskBytes(memoryBytes))));
}

/** `overrides` are for tests. */
export function limitsOf(config: DedupConfig, overrides: Partial<Limits>): Limits {
  const memoryBytes = memoryBytesOf(config);
  if (memoryBytes === undefined) return { ...LIMITS, ...overrides };
  const bytes = taskBytes(memoryBytes);
  const powerOfTwo = (share: number, bytesEach: number): number =>
    2 ** Math.floor(Math.log2((bytes * share) / bytesEach));
  const ownBytes = Math.min((memoryBytes - REDUCE_BASE_BYTES) * 0.8, LIMITS.joinBytes);
  return {
    // 20 bytes gathered, 24 of scratch, what is found.
    documentsAPart: powerOfTwo(1, 60),
    // 12 gathered, 12 of scratch.
    keysAPart: powerOfTwo(0.8, 24),
    // 8 each, as much of scratch, 24 to order the edges that some of them become.
    pairsARange: powerOfTwo(0.4, 64),
    shinglesABatch: Math.min(powerOfTwo(0.2, 8), LIMITS.shinglesABatch),
    maxBucket: LIMITS.maxBucket,
    recordsARun: powerOfTwo(0.2, 64),
    joinBytes: ownBytes * 0.5,
    maxSeenBits: Math.min(Math.floor(Math.log2(ownBytes * 0.2 * 4)), LIMITS.maxSeenBits),
    maxCounterBits: Math.min(Math.floor(Math.log2((ownBytes * 0.05) / 4)), LIMITS.maxCounterBits),
    minSampled: LIMITS.minSampled,
    minCompared: LIMITS.minCompared,
    ...overrides,
  };
}
