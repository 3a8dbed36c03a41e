// What `run` and the commands of single stages share: from a configuration to a printed plan, or to a run with progress,
// signals and a summary.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { runPlan } from "../run/conductor.js";
import { type ConfigSource, type Override, parseSet } from "../run/config-source.js";
import { formatSeconds } from "../run/progress.js";
import { type Plan, planToJson, planToYaml, resolvePlan } from "../run/recipe.js";
import { registry } from "../run/registry.js";
import { REPORT_NAME } from "../run/stage-folder.js";
import type { Summary } from "../run/summary.js";
import type { Command } from "./command-line.js";
import { EXIT_INTERRUPTED } from "./exit.js";
import { Terminal } from "./terminal.js";

export interface ConductOptions {
  readonly set?: readonly string[];
  readonly workers?: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
  readonly verify?: boolean;
  /** Write the report when the run is complete. */
  readonly report?: boolean;
}

/** `pooled`: it has data stages, which run on worker threads. */
export function addConductOptions(command: Command, pooled: boolean): Command {
  if (pooled) command.option("--workers <n>", "worker threads of the data stages (default: one a processor)");
  return command
    .option(
      "--set <key=value>",
      "override one key of the configuration, dotted; may be repeated",
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option("--dry-run", "print the resolved plan and do nothing")
    .option("--verify", "read the outputs of finished stages again, not only look at their sizes")
    .option("--json", "print the summary as JSON");
}

/** In the order of the command line's precedence: `--set` comes last and wins. */
export function overridesOf(options: ConductOptions): Override[] {
  const workers = options.workers;
  return [
    ...(workers === undefined ? [] : [{ path: ["workers"], value: numeric(workers), origin: `--workers ${workers}` }]),
    ...(options.set ?? []).map(parseSet),
  ];
}

/** A number where the text is one; otherwise the text, which the schema then refuses with its name. */
export function numeric(text: string): number | string {
  const value = Number(text);
  return text.trim() === "" || Number.isNaN(value) ? text : value;
}

/** Runs what `source` says, or prints it. */
export async function conduct(source: ConfigSource, fallbackName: string, options: ConductOptions): Promise<void> {
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
      onEvent: (event) => terminal.handle(event),
    });
    if (options.report === true && !(upToDate && existsSync(join(plan.out, REPORT_NAME)))) {
      const { writeReport } = await import("../report/index.js");
      const { path } = await writeReport({ dir: plan.out });
      terminal.line(`report: ${path}`);
    }
    const took = formatSeconds((performance.now() - start) / 1000);
    terminal.line(upToDate ? `${plan.name}: up to date, nothing to do` : `${plan.name}: done in ${took}`);
    process.stdout.write(options.json === true ? `${JSON.stringify(summary, null, 2)}\n` : summaryText(plan, summary));
  } finally {
    terminal.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

function summaryText(plan: Plan, summary: Summary): string {
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
  return `${[...lines, `${"results".padEnd(38)} ${plan.out}`].join("\n")}\n`;
}
