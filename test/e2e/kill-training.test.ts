// The user's own training command, writing a checkpoint after every step, killed with SIGKILL as a whole process group at
// random times: whatever was being written, the checkpoints that stand are whole, the newest never goes back, and in the
// end there are the bytes and the losses of a run that nobody touched.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listCheckpoints, readCheckpoint } from "#src/formats/checkpoint.js";
import { verifyWeights } from "#src/formats/checkpoint-weights.js";
import { native } from "#src/native.js";
import { type StartedCommand, startCommand } from "./command.js";

const cli = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const minutes = 60_000;
const STEPS = 80;
const KILLS = 7;
let folder: string;

/** Small, but for its vocabulary: a step takes less time than a checkpoint, so one is always being written. */
const model = { numLayers: 2, hiddenSize: 32, numHeads: 4, contextLength: 32, vocabSize: 50257 };

/** xorshift32: the kill times are as random in every run of the test. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-kill-training-"));
  const random = generator(11);
  const words = Array.from({ length: 300 }, () => String(Math.floor(random() * 1e9)));
  const documents = Array.from({ length: 40 }, (_, id) => {
    const text = Array.from({ length: 60 }, () => words[Math.floor(random() ** 2 * words.length)]).join(" ");
    return JSON.stringify({ id: `d${id}`, text });
  });
  writeFileSync(join(folder, "corpus.jsonl"), `${documents.join("\n")}\n`);
  writeFileSync(join(folder, "model.json"), JSON.stringify(model));
  const shard = ["shard", "corpus.jsonl", "--tokenizer", "gpt2", "--heldout", "0.1", "--out", "shards"];
  expect(spawnSync(process.execPath, [cli, ...shard], { cwd: folder }).status).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function startTraining(out: string): StartedCommand {
  const options = `--steps ${STEPS} --micro-batch 1 --global-batch 2 --seq 16 --tp 2 --lr 1e-3 --dropout 0.1 --seed 5`;
  const saving = `--checkpoint-every 1 --keep-checkpoints 2 --shards shards --model model.json --out ${out}`;
  return startCommand(cli, ["train", ...`${options} ${saving}`.split(" ")], folder);
}

const checkpointsOf = (out: string) => join(folder, out, "checkpoints");
const namesIn = (out: string) => readdirSync(checkpointsOf(out));
const partialsOf = (out: string) =>
  existsSync(checkpointsOf(out)) ? namesIn(out).filter((name) => name.startsWith(".partial-")) : [];
const stepOf = (name: string | undefined) => Number(name?.slice(name.lastIndexOf("-") + 1) ?? 0);

/** The step of the newest; every one that stands is read to its last byte. */
async function verifyAll(out: string): Promise<number> {
  const dirs = await listCheckpoints(checkpointsOf(out));
  for (const dir of dirs) {
    const { state } = await readCheckpoint(dir);
    expect(state).toMatchObject({ step: stepOf(dir), nextSample: 2 * stepOf(dir) });
    await verifyWeights(dir, (bytes, before) => native().crc32(bytes, before));
  }
  return stepOf(dirs.at(-1));
}

/** Whether it came to hold; false when the command ended before. */
async function until(holds: () => Promise<boolean>, exit: Promise<number | null>): Promise<boolean> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  void exit.then(end, end);
  while (!ended) {
    if (await holds()) return true;
    await sleep(2);
  }
  return false;
}

const isNewer = async (out: string, step: number) => stepOf((await listCheckpoints(checkpointsOf(out))).at(-1)) > step;

function losses(out: string): unknown[] {
  const lines = readFileSync(join(folder, out, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line)).map(({ step, loss, grad_norm, lr }) => ({ step, loss, grad_norm, lr }));
}

const lastWeights = (out: string) =>
  join(checkpointsOf(out), `step-${String(STEPS).padStart(8, "0")}`, "model.safetensors");

test(
  "kill -9 at random times leaves whole checkpoints only, and costs no bit of the run",
  async () => {
    await startTraining("untouched").exit;
    const random = generator(20191);
    let newest = 0;
    let kills = 0;
    let halfWritten = 0;
    while (kills < KILLS) {
      const { exit, kill } = startTraining("killed");
      // The first at any time of a start, when there may be nothing yet; then, in turn, at any time after a new checkpoint
      // and while one is being written.
      if (kills < 1) await sleep(random() * 1200);
      else if (!(await until(() => isNewer("killed", newest), exit))) break;
      if (kills % 2 === 1) await until(async () => partialsOf("killed").length > 0, exit);
      else await sleep(random() * 50);
      if ((await Promise.race([exit, sleep(0, "runs" as const)])) === 0) break;
      kill();
      await exit;
      kills += 1;
      const left = await verifyAll("killed");
      expect(left).toBeGreaterThanOrEqual(newest);
      newest = left;
      if (partialsOf("killed").length > 0) halfWritten += 1;
    }
    expect(kills).toBeGreaterThanOrEqual(4);
    expect(halfWritten).toBeGreaterThanOrEqual(2);
    await startTraining("killed").exit;

    expect(await verifyAll("killed")).toBe(STEPS);
    expect(namesIn("killed")).toHaveLength(2);
    expect(losses("killed")).toEqual(losses("untouched"));
    expect(readFileSync(lastWeights("killed")).equals(readFileSync(lastWeights("untouched")))).toBe(true);

    // One changed byte is seen.
    const bytes = readFileSync(lastWeights("killed"));
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(lastWeights("killed"), bytes);
    await expect(verifyAll("killed")).rejects.toMatchObject({ code: "checkpoint-damaged" });
  },
  10 * minutes,
);
