// What a run's folder holds, read once, for a page that must say something sensible about any part of it: a run of one
// stage, a run that is not finished, a run without training.
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { invalid } from "../base/errors.js";
import { type MetricsLine, readMetrics } from "../formats/metrics.js";
import type { Registry } from "../run/registry.js";
import { readStageFile, type StageFile } from "../run/stage-file.js";
import { PLAN_NAME, SUMMARY_NAME } from "../run/stage-folder.js";
import type { Summary } from "../run/summary.js";
import { type DedupData, readDedup } from "./dedup/dedup-data.js";
import { type RejectedReason, readRejectedReasons } from "./rejected-data.js";
import { type RewritingRule, readRewritingRules } from "./rewritten-data.js";

export interface ReportedStage {
  readonly key: string;
  readonly dir: string;
  readonly file: StageFile;
}

export interface ReportedEvaluation {
  readonly step: number;
  readonly heldout_loss: number | null;
  readonly perplexity: number | null;
  readonly heldout_tokens: number;
  readonly unigram_entropy: number | null;
  readonly sample: { readonly prompt: string; readonly text: string; readonly tokens: number; readonly ended: boolean };
}

export interface RunData {
  readonly name: string;
  readonly summary: Summary | undefined;
  /** The resolved plan as YAML. */
  readonly plan: string | undefined;
  /** Finished ones, in the data's order. */
  readonly stages: readonly ReportedStage[];
  readonly metrics: readonly MetricsLine[];
  readonly evaluation: ReportedEvaluation | undefined;
  readonly dedup: DedupData | undefined;
  readonly rejected: readonly RejectedReason[];
  readonly rewritten: readonly RewritingRule[];
}

export async function readRun(dir: string, registry: Registry): Promise<RunData> {
  const stages = await readStages(dir, registry);
  const summary = await readJson<Summary>(join(dir, SUMMARY_NAME));
  if (stages.length === 0) {
    throw invalid(
      "config-report",
      `expected the folder of a run with at least one finished stage for the report, got ${dir}`,
    );
  }
  const [clean, dedup, train, evaluation] = ["clean", "dedup", "train", "eval"].map((key) =>
    stages.find((stage) => stage.key === key),
  );
  return {
    name: summary?.recipe ?? basename(resolve(dir)),
    summary,
    plan: await readFile(join(dir, PLAN_NAME), "utf8").catch(() => undefined),
    stages,
    metrics: train === undefined ? [] : await readMetrics(join(train.dir, "metrics.jsonl")),
    evaluation:
      evaluation === undefined ? undefined : await readJson<ReportedEvaluation>(join(evaluation.dir, "eval.json")),
    dedup: dedup === undefined ? undefined : await readDedup(dedup.dir, dedup.file, registry),
    rejected: await readRejectedReasons(stages),
    rewritten: clean === undefined ? [] : await readRewritingRules(clean),
  };
}

/** A run has a folder a stage; the folder of a single command is the stage's own. */
export async function readStages(dir: string, registry: Registry): Promise<ReportedStage[]> {
  const found: ReportedStage[] = [];
  for (const { key, name, folder } of registry.entries) {
    for (const place of [join(dir, folder), dir]) {
      const file = await readStageFile(place);
      if (file?.stage === name) found.push({ key, dir: place, file });
    }
  }
  return found;
}

async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw invalid("report-damaged", `expected JSON in ${path}, got something else`, {
      where: { file: path },
      cause: error,
    });
  }
}
