// Helpers of the conductor's tests: a folder with inputs and a recipe, runs in this process or in one of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type RunOptions, type RunResult, runPlan } from "#src/run/conductor.js";
import { parseSet, readYaml } from "#src/run/config-source.js";
import type { RunEvent } from "#src/run/events.js";
import { type Plan, resolvePlan } from "#src/run/recipe.js";
import { registry } from "./toy-registry.mjs";

export interface Toy {
  readonly dir: string;
  readonly recipe: string;
  readonly out: string;
}

export function makeToy(recipeTail = "upper:\ntail:\n", numInputs = 2, linesAnInput = 43): Toy {
  const dir = mkdtempSync(join(tmpdir(), "millrace-run-"));
  mkdirSync(join(dir, "in"));
  let inputs = "";
  for (let i = 0; i < numInputs; i++) {
    const path = join(dir, "in", `input-${i}.txt`);
    writeFileSync(path, Array.from({ length: linesAnInput }, (_, n) => `line ${n} of input ${i}\n`).join(""));
    inputs += `  - path: ${path}\n`;
  }
  const recipe = join(dir, "toy.yaml");
  writeFileSync(recipe, `name: toy\nout: ${join(dir, "out")}\nworkers: 2\ninputs:\n${inputs}${recipeTail}`);
  return { dir, recipe, out: join(dir, "out") };
}

export function planOf(toy: Toy, ...sets: string[]): Promise<Plan> {
  return resolvePlan(readYaml(readFileSync(toy.recipe, "utf8"), toy.recipe, sets.map(parseSet)), "toy", registry);
}

export async function runToy(
  toy: Toy,
  sets: string[] = [],
  options: RunOptions = {},
): Promise<RunResult & { events: RunEvent[] }> {
  const events: RunEvent[] = [];
  const result = await runPlan(await planOf(toy, ...sets), registry, {
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { ...result, events };
}

/** Types of the events of stages, as "upper stage-finished". */
export function stageEvents(events: readonly RunEvent[]): string[] {
  return events.flatMap((event) => ("stage" in event ? [`${event.stage} ${event.type}`] : []));
}

export function startToy(toy: Toy, sets: string[] = [], env: Record<string, string> = {}): ChildProcess {
  const script = fileURLToPath(new URL("toy-run.mjs", import.meta.url));
  // A process group of its own: a kill reaches whatever the run has started.
  return spawn(process.execPath, [script, toy.recipe, ...sets], {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
}

export function ended(child: ChildProcess): Promise<{ code: number | null; stderr: string }> {
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, stderr })));
}

/** Kills a run's process group; nothing happens when it has ended. */
export function killToy(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
}

/** Every data file below `dir` with its content; journals, summaries and what belongs to the run are not data. */
export function dataOf(dir: string): Record<string, string> {
  const noData = new Set(["journal.jsonl", "stage.json", "summary.json", "plan.yaml"]);
  const files: Record<string, string> = {};
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(dir, path);
    if (entry.isFile() && !name.startsWith(".millrace") && !noData.has(entry.name))
      files[name] = readFileSync(path, "utf8");
  }
  return files;
}
