// summary.json: what a run came to, written last; its presence says that the run is complete. docs/formats/summary.md

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.js";
import type { DedupStatistics } from "../formats/dedup-statistics.js";
import { REJECTED_PREFIX } from "../formats/rejected.js";
import { CHANGED_PREFIX } from "../formats/rewritten.js";
import type { Plan } from "./recipe.js";
import type { StageFile } from "./stage-file.js";
import { SUMMARY_NAME } from "./stage-folder.js";

const SUMMARY_FORMAT = 1;

export interface Summary {
  readonly format: number;
  readonly millrace: string;
  readonly recipe: string;
  readonly documents_read?: number;
  readonly documents_kept?: number;
  readonly documents_rejected?: number;
  readonly documents_removed?: number;
  /** Rejected documents by reason, all stages together. */
  readonly rejected?: Readonly<Record<string, number>>;
  /** Documents by the rule of clean that changed their texts, kept or not. */
  readonly rewritten?: Readonly<Record<string, number>>;
  readonly bytes_read?: number;
  /** What the user was told of the input, sentences of all stages. */
  readonly notes?: readonly string[];
  /** Share of the pairs above dedup's threshold that it finds; nulls when its sample holds none. */
  readonly recall?: {
    readonly estimate: number | null;
    readonly low: number | null;
    readonly high: number | null;
    readonly pairs: number;
    readonly sampled: number;
  };
  readonly tokens?: number;
  readonly first_loss?: number;
  readonly last_loss?: number;
  readonly heldout_loss?: number;
  readonly unigram_entropy?: number;
  /** Wall-clock seconds by stage. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly peak_rss_bytes: number;
  readonly stages: Readonly<
    Record<string, { readonly key: string; readonly counts: Readonly<Record<string, number>> }>
  >;
}

/** Figures that a stage reports under their own names. */
const NAMED = ["first_loss", "last_loss", "heldout_loss", "unigram_entropy"] as const;

/** `files` in the data's order, by key; `dedup`: what that stage measured. */
export function summarize(
  plan: Plan,
  files: ReadonlyMap<string, StageFile>,
  dedup: DedupStatistics | undefined,
): Summary {
  const text = ["clean", "dedup", "shard"]
    .map((key) => files.get(key)?.counts)
    .filter((counts) => counts !== undefined);
  const first = text[0];
  const last = text.at(-1);
  const rejected = named(text, REJECTED_PREFIX);
  const rewritten = named(text, CHANGED_PREFIX);
  const figures = Object.fromEntries(
    NAMED.flatMap((name) => {
      const value = [...files.values()].map(({ counts }) => counts[name]).findLast((count) => count !== undefined);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const tokens = files.get("shard")?.counts.tokens;
  const notes = [...files.values()].flatMap((file) => file.notes ?? []);
  return {
    format: SUMMARY_FORMAT,
    millrace: plan.millrace,
    recipe: plan.name,
    ...(first === undefined || last === undefined
      ? {}
      : {
          documents_read: first.documents_read ?? 0,
          documents_kept: last.documents_kept ?? last.documents ?? 0,
          documents_rejected: Object.values(rejected).reduce((sum, count) => sum + count, 0),
          documents_removed: files.get("dedup")?.counts.documents_removed ?? 0,
          rejected,
          ...(Object.keys(rewritten).length === 0 ? {} : { rewritten }),
          bytes_read: first.bytes_read ?? 0,
        }),
    ...(notes.length === 0 ? {} : { notes }),
    ...(dedup === undefined ? {} : { recall: recallOf(dedup) }),
    ...(tokens === undefined ? {} : { tokens }),
    ...figures,
    seconds: Object.fromEntries([...files].map(([key, { seconds }]) => [key, round(seconds)])),
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    stages: Object.fromEntries([...files].map(([key, file]) => [key, { key: file.key, counts: file.counts }])),
  };
}

function recallOf({ recall: { recall, pairs, sampled } }: DedupStatistics): NonNullable<Summary["recall"]> {
  return { ...(recall ?? { estimate: null, low: null, high: null }), pairs, sampled };
}

/** Counts whose names begin so, by the rest of the name, all stages together. */
function named(stages: readonly Readonly<Record<string, number>>[], prefix: string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [name, count] of stages.flatMap((counts) => Object.entries(counts))) {
    const rest = name.slice(prefix.length);
    if (name.startsWith(prefix) && count > 0) found[rest] = (found[rest] ?? 0) + count;
  }
  return found;
}

function round(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

export async function writeSummary(dir: string, summary: Summary): Promise<void> {
  await writeFileAtomic(join(dir, SUMMARY_NAME), `${JSON.stringify(summary, null, 2)}\n`);
}

/** The summary of an earlier run of the very same stage results; undefined when there is none. */
export async function readSummary(dir: string, files: ReadonlyMap<string, StageFile>): Promise<Summary | undefined> {
  try {
    const summary = JSON.parse(await readFile(join(dir, SUMMARY_NAME), "utf8")) as Summary;
    const same = [...files].every(([key, file]) => summary.stages[key]?.key === file.key);
    return summary.format === SUMMARY_FORMAT && same && Object.keys(summary.stages).length === files.size
      ? summary
      : undefined;
  } catch {
    return undefined;
  }
}
