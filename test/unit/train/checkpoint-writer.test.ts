// Checkpoints behind training: the run waits for the copy alone, one writer at a time works behind it, and what goes wrong
// there is not lost.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CheckpointWriter } from "#src/train/checkpoint-writer.js";

let root: string;
let saved: string[];
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), "millrace-writer-")), "checkpoints");
  saved = [];
});
afterEach(() => rmSync(join(root, ".."), { recursive: true }));

const dataset = {
  identity: "sha256:d",
  orderVersion: 1,
  tokenizer: { name: "gpt2", fingerprint: "sha256:t" },
  vocabSize: 3,
};
const stateOf = (step: number) => ({ step, nextSample: 4 * step, dataset, training: {} });

/** Memory that is copied from `source`, and a disk that takes its time: a write ends when `release` is called. */
class SlowSnapshot {
  source = "";
  #copy = "";
  #waiting: (() => void)[] = [];
  failure: Error | undefined;

  async take(): Promise<void> {
    this.#copy = this.source;
  }
  async write(path: string): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.failure !== undefined) throw this.failure;
    writeFileSync(path, this.#copy);
  }
  get numWriting(): number {
    return this.#waiting.length;
  }
  release(): void {
    for (const one of this.#waiting.splice(0)) one();
  }
}

function writerOf(snapshot: SlowSnapshot, { keep = 2, before = async () => {} } = {}): CheckpointWriter<unknown> {
  return new CheckpointWriter(snapshot, { root, keep, before, onSaved: (name) => saved.push(name) });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

test("training goes on while a checkpoint is written, which is of the step it was taken at", async () => {
  const snapshot = new SlowSnapshot();
  const writer = writerOf(snapshot);
  snapshot.source = "step 1";
  await writer.take();
  writer.write(stateOf(1));
  snapshot.source = "step 2";
  await until(() => snapshot.numWriting === 1);
  expect(saved).toEqual([]);
  snapshot.release();
  const checkpoint = await writer.finish();
  expect(saved).toEqual(["step-00000001"]);
  expect(checkpoint?.state).toMatchObject(stateOf(1));
  expect(readFileSync(join(root, "step-00000001", "model.safetensors"), "utf8")).toBe("step 1");
});

test("a copy waits for the one before to be on disk, or it would be written over", async () => {
  const snapshot = new SlowSnapshot();
  const writer = writerOf(snapshot);
  snapshot.source = "step 1";
  await writer.take();
  writer.write(stateOf(1));
  snapshot.source = "step 2";
  let taken = false;
  const second = writer.take().then(() => {
    taken = true;
  });
  await until(() => snapshot.numWriting === 1);
  expect(taken).toBe(false);
  snapshot.release();
  await second;
  expect(saved).toEqual(["step-00000001"]);
  expect(readFileSync(join(root, "step-00000001", "model.safetensors"), "utf8")).toBe("step 1");
});

test("nothing appears before what must be on disk by then", async () => {
  const snapshot = new SlowSnapshot();
  let synced = false;
  const before = async () => {
    expect(readdirSync(root)).toEqual([".partial-step-00000001"]);
    synced = true;
  };
  const writer = writerOf(snapshot, { before });
  await writer.take();
  writer.write(stateOf(1));
  await until(() => snapshot.numWriting === 1);
  expect(synced).toBe(true);
  snapshot.release();
  await writer.finish();
});

test("a write that fails ends the run at its next step, and the checkpoint before stays", async () => {
  const snapshot = new SlowSnapshot();
  const writer = writerOf(snapshot, { keep: 1 });
  await writer.take();
  writer.write(stateOf(1));
  await until(() => snapshot.numWriting === 1);
  snapshot.release();
  await writer.take();
  writer.check();
  snapshot.failure = new Error("disk full");
  writer.write(stateOf(2));
  await until(() => snapshot.numWriting === 1);
  snapshot.release();
  await expect(writer.finish()).rejects.toThrow("disk full");
  expect(() => writer.check()).toThrow("disk full");
  await expect(writer.take()).rejects.toThrow("disk full");
  expect(saved).toEqual(["step-00000001"]);
  expect(readdirSync(root)).toContain("step-00000001");
});

test("the newest `keep` stay, the others go when a newer one is there", async () => {
  const snapshot = new SlowSnapshot();
  const writer = writerOf(snapshot, { keep: 2 });
  for (const step of [1, 2, 3, 4]) {
    await writer.take();
    writer.write(stateOf(step));
    await until(() => snapshot.numWriting === 1);
    expect(readdirSync(root).filter((name) => name.startsWith("step-"))).toHaveLength(Math.min(step - 1, 2));
    snapshot.release();
    await writer.finish();
  }
  expect(readdirSync(root).sort()).toEqual(["step-00000003", "step-00000004"]);
});
