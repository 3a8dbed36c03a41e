// Checkpoints: whole or not there, the newest whole one is found, old ones go.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  describeDifferences,
  newestCheckpoint,
  pruneCheckpoints,
  readCheckpoint,
  writeCheckpoint,
} from "#src/formats/checkpoint.js";

let root: string;
beforeEach(() => {
  root = join(mkdtempSync(join(tmpdir(), "millrace-checkpoint-")), "checkpoints");
});
afterEach(() => rmSync(join(root, ".."), { recursive: true }));

const dataset = {
  identity: "sha256:d",
  orderVersion: 1,
  tokenizer: { name: "gpt2", fingerprint: "sha256:t" },
  vocabSize: 3,
};
const stateOf = (step: number) => ({ step, nextSample: 4 * step, dataset, training: { seed: 1 } });
const save = (step: number) =>
  writeCheckpoint(root, stateOf(step), async (path) => writeFileSync(path, `weights of ${step}`));

describe("a checkpoint", () => {
  test("is read as it was written", async () => {
    const { dir } = await save(100);
    expect(dir).toBe(join(root, "step-00000100"));
    expect((await readCheckpoint(dir)).state).toMatchObject(stateOf(100));
  });

  test("is not there at all when its weights could not be written", async () => {
    await save(1);
    const failing = writeCheckpoint(root, stateOf(2), async () => {
      throw new Error("disk full");
    });
    await expect(failing).rejects.toThrow("disk full");
    expect((await newestCheckpoint(root, () => undefined))?.state.step).toBe(1);
    expect(readdirSync(root)).toEqual(["step-00000001"]);
  });

  test("with other bytes than were written is passed over and named", async () => {
    await save(1);
    const { dir } = await save(2);
    appendFileSync(join(dir, "model.safetensors"), "x");
    const skipped: Error[] = [];
    expect((await newestCheckpoint(root, (error) => skipped.push(error)))?.state.step).toBe(1);
    expect(skipped[0]!.message).toContain("expected 12 bytes");
    writeFileSync(join(dir, "model.safetensors"), "weights of 3");
    await expect(readCheckpoint(dir)).rejects.toMatchObject({
      code: "checkpoint-damaged",
      message: expect.stringContaining("digest"),
    });
  });

  test("whose state says something else than was written is passed over: the data cursor cannot move unseen", async () => {
    await save(1);
    const { dir } = await save(2);
    const path = join(dir, "state.json");
    const text = readFileSync(path, "utf8");
    for (const [from, to] of [
      ['"nextSample": 8', '"nextSample": 9'],
      ['"seed": 1', '"seed": 2'],
      [/,\s*"digest": "sha256:[0-9a-f]+"(?=\s*\}\s*$)/, ""],
    ] as const) {
      const changed = text.replace(from, to);
      expect(changed).not.toBe(text);
      writeFileSync(path, changed);
      await expect(readCheckpoint(dir)).rejects.toMatchObject({ code: "checkpoint-damaged" });
      expect((await newestCheckpoint(root, () => undefined))?.state.step).toBe(1);
    }
    writeFileSync(path, text);
    expect((await newestCheckpoint(root, () => undefined))?.state.step).toBe(2);
  });

  test("of the version before, which had no digest of its state, is read", async () => {
    const { dir, state } = await save(3);
    writeFileSync(join(dir, "state.json"), JSON.stringify({ format: "millrace-checkpoint", version: 1, ...state }));
    expect((await readCheckpoint(dir)).state).toEqual(state);
  });

  test("whose state is not one of ours at all is passed over like any other damage", async () => {
    await save(1);
    const { dir } = await save(2);
    const path = join(dir, "state.json");
    const text = readFileSync(path, "utf8");
    const versionOne = JSON.stringify({ format: "millrace-checkpoint", version: 1 });
    for (const changed of [
      "null",
      "[]",
      "{}",
      text.replace("millrace", "millrice"),
      text.replace(": 2,", ":  ,"),
      versionOne,
    ]) {
      writeFileSync(path, changed);
      await expect(readCheckpoint(dir), changed).rejects.toMatchObject({ code: "checkpoint-damaged" });
      expect((await newestCheckpoint(root, () => undefined))?.state.step).toBe(1);
    }
  });

  test("of another version is refused, not passed over", async () => {
    const { dir } = await save(1);
    writeFileSync(join(dir, "state.json"), JSON.stringify({ format: "millrace-checkpoint", version: 9 }));
    await expect(newestCheckpoint(root, () => undefined)).rejects.toMatchObject({ code: "checkpoint-version" });
  });
});

describe("pruning", () => {
  test("keeps the newest by number, and removes half-written ones", async () => {
    for (const step of [9, 100_000_000, 20]) await save(step);
    mkdirSync(join(root, ".partial-step-00000021"));
    await pruneCheckpoints(root, 2, 100_000_000);
    expect(readdirSync(root).sort()).toEqual(["step-00000020", "step-100000000"]);
    expect(existsSync(join(root, "step-00000009"))).toBe(false);
  });

  test("keeps the newest that a run has come to: a damaged one of a later step takes nobody's place", async () => {
    for (const step of [9, 20, 300]) await save(step);
    await pruneCheckpoints(root, 1, 20);
    expect(readdirSync(root).sort()).toEqual(["step-00000020", "step-00000300"]);
  });
});

describe("differences", () => {
  test("name every value that is not the same, missing ones too", () => {
    expect(describeDifferences({ a: 1, b: { c: [1], d: "x" } }, { a: 1, b: { c: [2] }, e: null })).toEqual([
      "b.c: [1] -> [2]",
      'b.d: "x" -> nothing',
      "e: nothing -> null",
    ]);
    expect(describeDifferences({ a: { b: 1 } }, { a: { b: 1 } })).toEqual([]);
  });
});
