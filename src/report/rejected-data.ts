// What the stages could not take, from their rejected.jsonl: counts by reason and file, and the first records of each.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { REJECTED_FILE } from "../formats/rejected.js";
import type { RejectedRecord } from "../records/document-block.js";
import { jsonLines } from "./json-lines.js";
import type { ReportedStage } from "./run-data.js";

export interface RejectedReason {
  /** Key of the stage that rejected them. */
  readonly stage: string;
  readonly reason: string;
  readonly records: number;
  /** How many files hold such records; those with most of them first, a few. */
  readonly numFiles: number;
  readonly files: readonly { readonly file: string; readonly records: number }[];
  /** The first in the order of the input. */
  readonly examples: readonly RejectedRecord[];
}

const MAX_EXAMPLES = 3;
const MAX_FILES = 5;

/** By stage in the data's order, then the most frequent reason first. */
export async function readRejectedReasons(stages: readonly ReportedStage[]): Promise<RejectedReason[]> {
  const reasons: RejectedReason[] = [];
  for (const { key, dir } of stages) {
    const path = join(dir, REJECTED_FILE);
    if (existsSync(path)) reasons.push(...(await reasonsOf(key, path)));
  }
  return reasons;
}

interface Tally {
  records: number;
  readonly files: Map<string, number>;
  readonly examples: RejectedRecord[];
}

async function reasonsOf(stage: string, path: string): Promise<RejectedReason[]> {
  const tallies = new Map<string, Tally>();
  for await (const record of jsonLines<RejectedRecord>(path)) {
    let tally = tallies.get(record.reason);
    if (tally === undefined) {
      tally = { records: 0, files: new Map(), examples: [] };
      tallies.set(record.reason, tally);
    }
    tally.records += 1;
    tally.files.set(record.file, (tally.files.get(record.file) ?? 0) + 1);
    if (tally.examples.length < MAX_EXAMPLES) tally.examples.push(record);
  }
  return [...tallies]
    .sort(([a, one], [b, other]) => other.records - one.records || (a < b ? -1 : 1))
    .map(([reason, { records, files, examples }]) => ({
      stage,
      reason,
      records,
      numFiles: files.size,
      files: [...files]
        .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
        .slice(0, MAX_FILES)
        .map(([file, number]) => ({ file, records: number })),
      examples,
    }));
}
