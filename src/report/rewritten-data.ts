// What cleaning rewrote: documents by rule, from the stage's counts, and the first of each rule with the place where the text
// stands as it was read.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { CHANGED_PREFIX, isRewritten, type RewrittenRecord } from "../formats/rewritten.js";
import { jsonLines } from "./json-lines.js";
import type { ReportedStage } from "./run-data.js";

export interface RewritingRule {
  readonly rule: string;
  readonly documents: number;
  /** The first in the order of the input. */
  readonly examples: readonly RewrittenRecord[];
}

const MAX_EXAMPLES = 3;
/** Enough to meet every rule that is not rare, few enough to be read at once. */
const MAX_LINES = 100_000;

/** The rule that changed most documents first. */
export async function readRewritingRules({ dir, file }: ReportedStage): Promise<RewritingRule[]> {
  const counts = Object.entries(file.counts)
    .filter(([name, count]) => name.startsWith(CHANGED_PREFIX) && count > 0)
    .map(([name, documents]) => ({ rule: name.slice(CHANGED_PREFIX.length), documents }));
  if (counts.length === 0) return [];
  const paths = file.outputs
    .filter(({ path }) => isRewritten(path))
    .map(({ path }) => join(dir, path))
    .filter((path) => existsSync(path));
  const examples = await firstOfEach(
    counts.map(({ rule }) => rule),
    paths,
  );
  return counts
    .sort((a, b) => b.documents - a.documents || (a.rule < b.rule ? -1 : 1))
    .map((one) => ({ ...one, examples: examples.get(one.rule) ?? [] }));
}

async function firstOfEach(
  rules: readonly string[],
  paths: readonly string[],
): Promise<Map<string, RewrittenRecord[]>> {
  const found = new Map<string, RewrittenRecord[]>(rules.map((rule) => [rule, []]));
  const isFull = (): boolean => [...found.values()].every((records) => records.length === MAX_EXAMPLES);
  let numLines = 0;
  for (const path of paths) {
    for await (const record of jsonLines<RewrittenRecord>(path)) {
      numLines += 1;
      for (const rule of record.rules) {
        const records = found.get(rule);
        if (records !== undefined && records.length < MAX_EXAMPLES) records.push(record);
      }
      if (isFull() || numLines === MAX_LINES) return found;
    }
  }
  return found;
}
