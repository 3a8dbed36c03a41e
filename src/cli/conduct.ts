// What `run` and the commands of single stages share: from a configuration to a printed plan, or to a run with progress,
// signals and a summary. Loaded when a command runs: it brings in the whole conductor.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { runPlan } from "../run/conductor.js";
import {
  type ConfigSource,
  fromOverrides,
  type Override,
  parseSet,
  readStageYaml,
  readYaml,
} from "../run/config-source.js";
import { conductOnce } from "../run/launched.js";
import { formatSeconds } from "../run/progress.js";
import { nameOfRecipe, type Plan, planToJson, planToYaml, readRecipeFile, resolvePlan } from "../run/recipe.js";
import { registry } from "../run/registry.js";
import { REPORT_NAME } from "../run/stage-folder.js";
import type { Summary } from "../run/summary.js";
import { type ConductOptions, numeric } from "./conduct-options.js";
import { dedupFindings } from "./dedup-findings.js";
import { EXIT_INTERRUPTED } from "./exit.js";
import { Terminal } from "./terminal.js";

export async function conductRecipe(path: string, options: ConductOptions): Promise<void> {
  await conductOnce(true, () =>
    conduct(readYaml(readRecipeFile(path), path, overridesOf(options)), nameOfRecipe(path), options),
  );
}

/** One stage by itself, with the configuration that its file of rules and its arguments say; the arguments win. */
export async function conductStage(
  key: string,
  base: Record<string, unknown>,
  overrides: readonly Override[],
  options: ConductOptions,
): Promise<void> {
  const all = [...overrides, ...overridesOf(options)];
  const { rules } = options;
  const source =
    rules === undefined
      ? fromOverrides(base, all)
      : readStageYaml(readRecipeFile(rules, "a file of rules"), rules, key, base, all);
  await conductOnce(key === "train", () => conduct(source, key, options));
}

/** In the order of the command line's precedence: `--set` comes last and wins. */
function overridesOf(options: ConductOptions): Override[] {
  const workers = options.workers;
  return [
    ...(workers === undefined ? [] : [{ path: ["workers"], value: numeric(workers), origin: `--workers ${workers}` }]),
    ...(options.set ?? []).map(parseSet),
  ];
}

/** Runs what `source` says, or prints it. */
async function conduct(source: ConfigSource, fallbackName: string, options: ConductOptions): Promise<void> {
  const plan = await resolvePlan(source, fallbackName, registry);
  if (options.dryRun === true) {
    process.stdout.write(options.json === true ? `${JSON.stringify(planToJson(plan), null, 2)}\n` : planToYaml(plan));
    return;
  }
  const terminal = new Terminal(process.stderr);
  const stop = new AbortController();
  const interrupt = (): void => {
    if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED);
    terminal.line("stopping; the same command goes on from here (once more: stop at once)");
    stop.abort();
  };
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    const start = performance.now();
    const { summary, upToDate } = await runPlan(plan, registry, {
      signal: stop.signal,
      verify: options.verify,
      resume: options.resume,
      onEvent: (event) => terminal.handle(event),
    });
    if (options.report === true && !(upToDate && existsSync(join(plan.out, REPORT_NAME)))) {
      const { writeReport } = await import("../report/index.js");
      const { path } = await writeReport({ dir: plan.out });
      terminal.line(`report: ${path}`);
    }
    const took = formatSeconds((performance.now() - start) / 1000);
    terminal.line(upToDate ? `${plan.name}: up to date, nothing to do` : `${plan.name}: done in ${took}`);
    if (summary.documents_read === 0) terminal.line("warning: the inputs hold no documents");
    else if (summary.documents_kept === 0) terminal.line("warning: no document was kept");
    const dedup = await dedupFindings(plan);
    for (const warning of dedup?.warnings ?? []) terminal.line(warning);
    process.stdout.write(
      options.json === true ? `${JSON.stringify(summary, null, 2)}\n` : summaryText(plan, summary, dedup?.sentence),
    );
  } finally {
    terminal.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

/** `sentence`: what dedup says of its recall. */
function summaryText(plan: Plan, summary: Summary, sentence: string | undefined): string {
  const figures: [string, number | undefined][] = [
    ["documents read", summary.documents_read],
    ["documents rejected", summary.documents_rejected],
    ["documents removed as near-duplicates", summary.documents_removed],
    ["documents kept", summary.documents_kept],
    ["tokens", summary.tokens],
    ["first loss", summary.first_loss],
    ["last loss", summary.last_loss],
    ["held-out loss", summary.heldout_loss],
    ["unigram entropy", summary.unigram_entropy],
  ];
  const lines = figures
    .filter((figure): figure is [string, number] => figure[1] !== undefined)
    .map(
      ([name, value]) =>
        `${name.padEnd(38)} ${Number.isInteger(value) ? value.toLocaleString("en-US") : value.toFixed(4)}`,
    );
  if (sentence !== undefined) lines.push(sentence);
  return `${[...lines, `${"results".padEnd(38)} ${plan.out}`].join("\n")}\n`;
}
