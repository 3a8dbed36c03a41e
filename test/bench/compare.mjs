// What every bench shares: whole commands run to their end, contestants measured in turn so that a drift of the machine
// meets all of them, and figures with their spread.
import { spawnSync } from "node:child_process";
import { rmSync, statSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
/** A Python that has the peers; what it lacks is left out. */
export const python = process.env.MILLRACE_PEERS ?? "python3";
export const rounds = Number(process.env.MILLRACE_BENCH_ROUNDS ?? 5);
export const threads = cpus().length;

/** Output of a command; throws with what it said when it fails. */
export function run(command, args, options = {}) {
  const child = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 30, ...options });
  if (child.status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${child.stderr ?? child.error}`);
  return child.stdout;
}

export const hasPeer = (module) => spawnSync(python, ["-c", `import ${module}`]).status === 0;

export const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
export const spread = (values) => ({ min: Math.min(...values), median: median(values), max: Math.max(...values) });
export const show = ({ min, median: middle, max }, digits) =>
  `${middle.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

/** Runs ours and the peers in turn; `contestants` maps a name to a function that returns units a second. */
export function compare(title, unit, contestants) {
  const figures = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, measure] of Object.entries(contestants)) figures[name].push(measure());
  }
  const [reference] = Object.keys(contestants);
  const rows = Object.entries(figures).map(([name, values]) => ({
    name,
    [unit]: spread(values),
    ratio: spread(values.map((value, round) => figures[reference][round] / value)),
  }));
  console.log(`\n${title}, ${unit}, median (least to most) of ${rounds} alternating rounds`);
  for (const row of rows) {
    console.log(`  ${row.name.padEnd(44)} ${show(row[unit], 1).padEnd(30)} ${reference} / this: ${show(row.ratio, 2)}`);
  }
  return { title, unit, rows };
}

/** Megabytes of `input` a second of a command that fills the folder `out`, process start and all. */
export function megabytesASecond(input, out, command, args, options = {}) {
  rmSync(out, { recursive: true, force: true });
  const began = performance.now();
  run(command, args, options);
  return statSync(input).size / 1e6 / ((performance.now() - began) / 1000);
}

/** One stage of Millrace as a user runs it. */
export function stage(args, input, folder) {
  const out = join(folder, "out");
  return megabytesASecond(input, out, process.execPath, ["dist/cli/main.js", ...args, "--out", out]);
}
