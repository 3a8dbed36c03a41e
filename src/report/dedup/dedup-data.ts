// What the page says about dedup, read from the stage's folder.
import { join } from "node:path";
import { dedupSchema } from "../../dedup/config.js";
import { shinglingOf } from "../../dedup/settings.js";
import { type DedupStatistics, readDedupStatistics } from "../../formats/dedup-statistics.js";
import { DEDUP_STATISTICS_FILE } from "../../formats/dedup-statistics-file.js";
import { REMOVED_FILE } from "../../formats/removed.js";
import type { Registry } from "../../run/registry.js";
import type { StageFile } from "../../run/stage-file.js";
import { findTexts } from "./pair-texts.js";
import type { ShownPairs } from "./pairs-section.js";
import type { MeasurementCost } from "./recall-section.js";
import { readRemovedPairs } from "./removed-pairs.js";

export interface DedupData {
  /** As the reader named it, for commands. */
  readonly dir: string;
  /** Undefined in a folder that a version without them wrote. */
  readonly statistics: DedupStatistics | undefined;
  readonly cost: MeasurementCost | undefined;
  readonly pairs: ShownPairs;
}

/** Phases without which the outputs would be the same. */
const MEASURING_PHASES: readonly string[] = ["sample", "statistics"];

export async function readDedup(dir: string, file: StageFile, registry: Registry): Promise<DedupData> {
  const config = dedupSchema.parse(file.config);
  const removed = readRemovedPairs(join(dir, REMOVED_FILE), config.threshold);
  const wanted = new Set(removed.sample.flatMap(({ id, kept }) => [id, kept]));
  const texts = await findTexts(file.inputs, config, registry, wanted);
  const sample = removed.sample.map((line) => ({
    ...line,
    text: texts.get(line.id),
    keptText: texts.get(line.kept),
  }));
  return {
    dir,
    statistics: await readDedupStatistics(join(dir, DEDUP_STATISTICS_FILE)),
    cost: costOf(file),
    pairs: { dir, shingling: shinglingOf(config), removed, sample },
  };
}

function costOf({ phases, seconds }: StageFile): MeasurementCost | undefined {
  const measuring = phases.filter(({ name }) => MEASURING_PHASES.includes(name));
  if (measuring.length === 0) return undefined;
  return { seconds: measuring.reduce((sum, phase) => sum + phase.seconds, 0), ofSeconds: seconds };
}
