// What a person should see of dedup's statistics when a run ends: the recall it measured, and sources that lost most of
// their documents.
import { join } from "node:path";
import { type DedupStatistics, readDedupStatistics } from "../formats/dedup-statistics.js";
import { DEDUP_STATISTICS_FILE } from "../formats/dedup-statistics-file.js";
import type { Plan } from "../run/recipe.js";

export interface DedupFindings {
  readonly sentence: string;
  readonly warnings: readonly string[];
}

const MAX_WARNINGS = 5;

/** Undefined for a run without dedup. */
export async function dedupFindings(plan: Plan): Promise<DedupFindings | undefined> {
  const dedup = plan.stages.find(({ entry }) => entry.key === "dedup");
  if (dedup === undefined) return undefined;
  const statistics = await readDedupStatistics(join(dedup.dir, DEDUP_STATISTICS_FILE));
  if (statistics === undefined) return undefined;
  const { keep } = dedup.config as { keep: string };
  const warnings = [...keepWarnings(keep, statistics), ...sourceWarnings(statistics)];
  return { sentence: statistics.recall.sentence, warnings };
}

const SOURCES_POLICY = "source:";
const MAX_NAMED = 10;

/** Names of `--keep source:...` that no document has. Nothing is said where the statistics do not list all sources. */
export function keepWarnings(
  keep: string,
  { sources: { sources, list } }: { readonly sources: Pick<DedupStatistics["sources"], "sources" | "list"> },
): string[] {
  if (!keep.startsWith(SOURCES_POLICY) || list.length < sources || list.length === 0) return [];
  const names = list.map(({ source }) => source);
  const missing = keep
    .slice(SOURCES_POLICY.length)
    .split(",")
    .filter((name) => !names.includes(name));
  if (missing.length === 0) return [];
  const there = names.slice(0, MAX_NAMED).join(", ") + (names.length > MAX_NAMED ? " and others" : "");
  return [`warning: no document has the source ${missing.join(", ")} of keep; there are: ${there}`];
}

export function sourceWarnings({ sources: { alarms, num_alarms } }: Pick<DedupStatistics, "sources">): string[] {
  const count = (value: number): string => value.toLocaleString("en-US");
  const warnings = alarms.slice(0, MAX_WARNINGS).map(({ source, documents, removed }) => {
    const percent = Math.floor((1000 * removed) / documents) / 10;
    return `WARNING: dedup removed ${count(removed)} of the ${count(documents)} documents of source "${source}" (${percent} %)`;
  });
  const more = num_alarms - warnings.length;
  return more > 0
    ? [...warnings, `WARNING: ${count(more)} more sources lost more than half of their documents`]
    : warnings;
}
