// The user's own command, killed with SIGKILL as a whole process group at random times and started again until it is
// done, leaves the same bytes as a run that nobody touched: documents, shards, parameters and the losses of every step.
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startCommand } from "./command.js";

const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const minutes = 60_000;
let folder: string;

/** xorshift32: the corpus and the kill times are the same in every run of the test. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Documents of random words; every fifth is a near-copy of the one before, every seventh too short, one line broken. */
function writeCorpus(path: string, numDocuments: number): void {
  const random = generator(7);
  const words = Array.from({ length: 3000 }, () =>
    Array.from({ length: 2 + Math.floor(random() * 7) }, () =>
      String.fromCharCode(97 + Math.floor(random() * 26)),
    ).join(""),
  );
  const lines: string[] = [];
  let previous = "";
  for (let i = 0; i < numDocuments; i += 1) {
    const length = i % 7 === 3 ? 40 : 200 + Math.floor(random() * 400);
    const fresh = Array.from({ length }, () => words[Math.floor(random() ** 2 * words.length)]).join(" ");
    const text = i % 5 === 4 ? `${previous} ${words[i % words.length]}` : fresh;
    lines.push(JSON.stringify({ id: `d${i}`, text }));
    previous = text;
  }
  lines[Math.floor(numDocuments / 2)] += " garbage";
  writeFileSync(path, `${lines.join("\n")}\n`);
}

const recipe = `
name: kill
inputs:
  - path: corpus.jsonl
clean:
  minTokens: 128
dedup:
  threshold: 0.7
shard:
  tokenizer: gpt2
  heldout: 0.05
train:
  model: tiny
  tp: 2
  steps: 12
  microBatch: 2
  globalBatch: 4
  sequenceLength: 32
  learningRate: 1.0e-3
  dropout: 0.1
  seed: 5
  evalEvery: 6
  evalTokens: 1024 # measuring all that is held out would take four fifths of the time, and most kills
  checkpointEvery: 3
eval:
  evalTokens: 1024
  maxTokens: 8
`;

const RUN = ["run", "recipe.yaml"];

/** What a run's stages begin with, in their order. */
const BEGINNINGS = ["clean/journal.jsonl", "dedup/journal.jsonl", "shards/journal.jsonl", "train/metrics.jsonl"];

/** Waits until there is such a file, or the command has ended. */
async function begun(path: string, exit: Promise<unknown>): Promise<void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  void exit.then(end, end);
  while (!ended && !existsSync(path)) await sleep(5);
}

/** Path and SHA-256 of every file that the formats call data: all of clean, dedup and shards, and the last parameters. */
function dataDigests(run: string): Record<string, string> {
  const digests: Record<string, string> = {};
  for (const entry of readdirSync(run, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(run, path);
    const data =
      /^(clean|dedup|shards)\/.*\.(jsonl|arrow|bin)$/.test(name) ||
      name.endsWith("manifest.json") ||
      /step-00000012\/.*\.safetensors$/.test(name);
    if (!entry.isFile() || !data || name.endsWith("journal.jsonl")) continue;
    digests[name] = createHash("sha256").update(readFileSync(path)).digest("hex");
  }
  return digests;
}

function losses(run: string): [number, number][] {
  return readFileSync(join(run, "train/metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { step: number; loss: number })
    .map(({ step, loss }) => [step, loss]);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-kill-"));
  writeCorpus(join(folder, "corpus.jsonl"), 1500);
  writeFileSync(join(folder, "recipe.yaml"), recipe);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe("kill -9 of the process group", () => {
  test(
    "at random times changes no byte of the data and no loss",
    async () => {
      const run = join(folder, "runs/kill");
      const began = performance.now();
      await startCommand(cli, RUN, folder).exit;
      const duration = performance.now() - began;
      for (const beginning of BEGINNINGS) expect(existsSync(join(run, beginning)), beginning).toBe(true);
      const expected = { data: dataDigests(run), losses: losses(run) };
      expect(Object.keys(expected.data).length).toBeGreaterThanOrEqual(6);
      rmSync(run, { recursive: true });

      const random = generator(20191);
      let kills = 0;
      for (let attempt = 0; attempt < 40; attempt += 1) {
        const { exit, kill } = startCommand(cli, RUN, folder);
        // The first kills come soon after a stage has begun, so that every stage meets one however fast the machine is
        // at that moment; the others at any time, so that the run is cut into many pieces.
        const beginning = BEGINNINGS[kills];
        if (beginning !== undefined) await begun(join(run, beginning), exit);
        const delay = beginning === undefined ? 150 + random() * duration * 0.4 : random() * 100;
        const outcome = await (kills < 12 ? Promise.race([exit, sleep(delay, "kill" as const)]) : exit);
        if (outcome === 0) break;
        kill();
        await exit;
        kills += 1;
      }
      expect(kills).toBeGreaterThanOrEqual(3);
      expect({ data: dataDigests(run), losses: losses(run) }).toEqual(expected);

      // Once more does nothing, and the digests above are of files that a changed byte would change.
      await startCommand(cli, RUN, folder).exit;
      expect(dataDigests(run)).toEqual(expected.data);
      const kept = join(run, "dedup/kept.jsonl");
      writeFileSync(kept, `${readFileSync(kept, "utf8").slice(0, -2)} \n`);
      expect(dataDigests(run)).not.toEqual(expected.data);
    },
    10 * minutes,
  );
});
