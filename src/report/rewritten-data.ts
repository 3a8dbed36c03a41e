// What cleaning rewrote: documents by rule, from the stage's counts, and the first of each rule with the place where the text
// stands as it was read.
import { createReadStream, existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { invalid } from "../base/errors.js";
import { CHANGED_PREFIX, isRewritten, type RewrittenRecord } from "../formats/rewritten.js";
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
    const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
    for await (const line of lines) {
      numLines += 1;
      const record = parseRewritten(line, path);
      for (const rule of record.rules) {
        const records = found.get(rule);
        if (records !== undefined && records.length < MAX_EXAMPLES) records.push(record);
      }
      if (isFull() || numLines === MAX_LINES) return found;
    }
  }
  return found;
}

function parseRewritten(line: string, path: string): RewrittenRecord {
  try {
    return JSON.parse(line) as RewrittenRecord;
  } catch (cause) {
    throw invalid("report-damaged", `expected JSON lines in ${path}, got ${JSON.stringify(line.slice(0, 80))}`, {
      where: { file: path },
      hint: "the file has changed since the stage wrote it; remove the stage's folder and run again",
      cause,
    });
  }
}
