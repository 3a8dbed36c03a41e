// `npm run bench`: Millrace beside its peers, alternating in one run, as ratios with spread. Speeds of one machine say
// little; ratios taken minute by minute on it say more.
//
// The peers are Python packages: MILLRACE_PEERS names a Python that has torch, tiktoken and datasketch (default: python3).
// What a Python lacks is said and left out. Prints a table and writes build/bench.json.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeCorpus } from "./corpus.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const python = process.env.MILLRACE_PEERS ?? "python3";
const rounds = Number(process.env.MILLRACE_BENCH_ROUNDS ?? 5);
const threads = cpus().length;
const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));

function run(command, args, options = {}) {
  const child = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (child.status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${child.stderr ?? child.error}`);
  return child.stdout;
}

const hasPeer = (module) => spawnSync(python, ["-c", `import ${module}`]).status === 0;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const spread = (values) => ({ min: Math.min(...values), median: median(values), max: Math.max(...values) });
const show = ({ min, median: middle, max }, digits) =>
  `${middle.toFixed(digits)} (${min.toFixed(digits)} to ${max.toFixed(digits)})`;

/** Runs ours and the peers in turn; `contestants` maps a name to a function that returns units a second. */
function compare(title, unit, contestants) {
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
    console.log(`  ${row.name.padEnd(34)} ${show(row[unit], 1).padEnd(34)} ${reference} / this: ${show(row.ratio, 2)}`);
  }
  return { title, unit, rows };
}

function trainOurs(tp, model, batch, sequence, steps) {
  const args = ["--tp", tp, "--threads", threads, "--model", model, "--batch", batch, "--micro-batch", batch];
  const output = run("build/release/train-bench", [...args, "--seq", sequence, "--steps", steps].map(String));
  return Number(output.match(/median[^\n]*?([\d.]+) tokens\/s/)[1]);
}

function trainTorch(mode, [layers, hidden, heads], batch, sequence, steps) {
  const args = [layers, hidden, heads, sequence, 50257, batch, steps, threads, 0.1, mode].map(String);
  const { seconds, tokens } = JSON.parse(run(python, ["test/bench/train_peer.py", ...args]));
  return tokens / median(seconds);
}

function training() {
  const ours = {
    "millrace tp 1": () => trainOurs(1, "tiny", 4, 128, 10),
    "millrace tp 2": () => trainOurs(2, "tiny", 4, 128, 10),
  };
  const torch = hasPeer("torch") ? { "PyTorch eager": () => trainTorch("eager", [4, 128, 8], 4, 128, 8) } : {};
  const tiny = compare(`training tiny, 4 x 128 tokens a step, fp32, ${threads} threads`, "tokens/s", {
    ...ours,
    ...torch,
  });
  const large = compare(`training gpt2-124m, 4 x 256 tokens a step, fp32, ${threads} threads`, "tokens/s", {
    "millrace tp 1": () => trainOurs(1, "gpt2-124m", 4, 256, 2),
    "millrace tp 2": () => trainOurs(2, "gpt2-124m", 4, 256, 2),
    ...(hasPeer("torch") ? { "PyTorch eager": () => trainTorch("eager", [12, 768, 12], 4, 256, 2) } : {}),
  });
  return [tiny, large];
}

/** Megabytes of input a second of the whole command, process start and verified output included. */
function stage(args, megabytes) {
  const out = join(folder, "out");
  rmSync(out, { recursive: true, force: true });
  const began = performance.now();
  run(process.execPath, ["dist/cli/main.js", ...args, "--out", out]);
  return megabytes / ((performance.now() - began) / 1000);
}

async function text() {
  const path = join(folder, "corpus.jsonl");
  await writeCorpus(path, 300e6);
  const small = join(folder, "small.jsonl");
  await writeCorpus(small, 12e6);
  const megabytes = statSync(path).size / 1e6;
  const smallMegabytes = statSync(small).size / 1e6;
  const peer = (script, file) => () =>
    Number(JSON.parse(run(python, [`test/bench/${script}`, file])).megabytes_per_second);
  const dedup = compare(
    `dedup, JSONL to verified JSONL, Jaccard 0.7 (peer on ${smallMegabytes.toFixed(0)} MB)`,
    "MB/s",
    {
      [`millrace, ${threads} workers`]: () => stage(["dedup", path], megabytes),
      "millrace, 1 worker": () => stage(["dedup", path, "--workers", "1"], megabytes),
      ...(hasPeer("datasketch") ? { "datasketch, 1 process": peer("dedup_peer.py", small) } : {}),
    },
  );
  const tokenize = compare("tokenization with GPT-2's vocabulary, JSONL to shards", "MB/s", {
    [`millrace, ${threads} workers`]: () => stage(["shard", path, "--tokenizer", "gpt2"], megabytes),
    "millrace, 1 worker": () => stage(["shard", path, "--tokenizer", "gpt2", "--workers", "1"], megabytes),
    ...(hasPeer("tiktoken") ? { "tiktoken, 1 thread, ids only": peer("tokenize_peer.py", small) } : {}),
  });
  return [dedup, tokenize];
}

try {
  const only = process.argv[2];
  const tables = [...(only === "text" ? [] : training()), ...(only === "train" ? [] : await text())];
  const machine = {
    processor: cpus()[0].model,
    threads,
    node: process.version,
    date: new Date().toISOString().slice(0, 10),
  };
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(join(root, "build/bench.json"), `${JSON.stringify({ machine, rounds, tables }, null, 2)}\n`);
  console.log(
    `\n${JSON.stringify(machine)}\nwritten to build/bench.json (${readFileSync(join(root, "build/bench.json")).length} bytes)`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
