// A sample of the pairs that dedup removed, with both texts. Pairs are drawn over the whole range of similarity; texts are
// found by reading dedup's own inputs again until all are there.

import { createReadStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type DedupConfig, dedupSchema, shinglingOf } from "../dedup/config.js";
import { readOptionsOf } from "../formats/read-fields.js";
import type { Shingling } from "../native.js";
import { idOf, textOf } from "../records/document-block.js";
import type { Registry } from "../run/registry.js";
import type { ReportedStage } from "./run-data.js";

export interface RemovedPair {
  readonly id: string;
  readonly kept: string;
  /** Exact, as dedup recorded it. */
  readonly jaccard: number;
  readonly text: string | undefined;
  readonly keptText: string | undefined;
}

export interface RemovedPairs {
  readonly total: number;
  /** Removed documents by similarity: ten bins, [0, 0.1) ... [0.9, 1]. */
  readonly histogram: readonly number[];
  /** By falling similarity. */
  readonly sample: readonly RemovedPair[];
  readonly shingling: Shingling;
}

const SAMPLE_SIZE = 12;
/** Texts are looked for in this much of the inputs at most: a report is not worth another pass over a terabyte. */
const MAX_READ_BYTES = 4 * 2 ** 30;

interface Line {
  readonly id: string;
  readonly kept: string;
  readonly jaccard: number;
}

export async function readRemovedPairs(stage: ReportedStage, registry: Registry): Promise<RemovedPairs> {
  const histogram = new Array<number>(10).fill(0);
  const reservoirs = histogram.map(() => [] as Line[]);
  let total = 0;
  const file = createReadStream(join(stage.dir, "removed.jsonl"));
  for await (const text of createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (text === "") continue;
    const line = JSON.parse(text) as Line;
    const bin = Math.min(9, Math.floor(line.jaccard * 10 + 1e-9));
    total += 1;
    histogram[bin]! += 1;
    keepSpread(reservoirs[bin]!, line, histogram[bin]!);
  }
  const config = dedupSchema.parse(stage.file.config);
  const chosen = choose(reservoirs);
  const texts = await findTexts(stage, config, registry, new Set(chosen.flatMap(({ id, kept }) => [id, kept])));
  const sample = chosen.map((line) => ({ ...line, text: texts.get(line.id), keptText: texts.get(line.kept) }));
  return { total, histogram, sample, shingling: shinglingOf(config) };
}

/** The first of every doubling run of a bin: spread over the file, and the same in every report of it. */
function keepSpread(reservoir: Line[], line: Line, seen: number): void {
  if (reservoir.length < SAMPLE_SIZE) reservoir.push(line);
  else if ((seen & (seen - 1)) === 0) reservoir[(Math.log2(seen) | 0) % SAMPLE_SIZE] = line;
}

/** Takes turns among the bins, so that near misses of the threshold show beside exact copies. */
function choose(reservoirs: readonly (readonly Line[])[]): Line[] {
  const chosen: Line[] = [];
  for (let turn = 0; turn < SAMPLE_SIZE; turn++) {
    for (const reservoir of reservoirs) {
      const line = reservoir[turn];
      if (line !== undefined && chosen.length < SAMPLE_SIZE) chosen.push(line);
    }
  }
  return chosen.sort((a, b) => b.jaccard - a.jaccard || (a.id < b.id ? -1 : 1));
}

async function findTexts(
  stage: ReportedStage,
  config: DedupConfig,
  registry: Registry,
  wanted: ReadonlySet<string>,
): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  if (wanted.size === 0) return texts;
  const options = readOptionsOf(config);
  const reader = await registry.loadReader();
  let read = 0;
  for await (const { ref, payload } of reader.plan(stage.file.inputs, options, () => false)) {
    const { block } = await reader.read(ref, options, payload);
    for (let row = 0; row < block.numDocuments; row++) {
      const id = idOf(block, row);
      if (wanted.has(id) && !texts.has(id)) texts.set(id, textOf(block, row));
    }
    read += ref.end - ref.start;
    if (texts.size === wanted.size || read > MAX_READ_BYTES) break;
  }
  return texts;
}
