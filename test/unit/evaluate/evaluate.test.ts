// Evaluation and generation of a trained checkpoint, through the stage and the command's function.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digestJson } from "#src/base/digest.js";
import { generateWith } from "#src/evaluate/generate.js";
import { createEvaluateStage, generate } from "#src/evaluate/index.js";
import type { FileRef, TaskResult } from "#src/records/stage.js";
import { loadTokenizer } from "#src/tokenizers/index.js";
import { makePlace, type Place, startStage, startTraining, TRAINING_CHILD, trainStage } from "../train/fixture.js";

const evaluateStage = createEvaluateStage(TRAINING_CHILD);
let place: Place;
let trained: TaskResult;
let inputs: FileRef[];
let trainDir: string;

beforeAll(async () => {
  place = await makePlace();
  const run = startTraining(place, "train", { steps: 60, evalEvery: 0 });
  trainDir = run.dir;
  trained = await run.result;
  inputs = [...trainStage.dataOutputs(run.dir, trained.outputs), place.manifest];
});
afterAll(() => place.remove());

describe("the evaluate stage", () => {
  test("measures the loss that training measured, its perplexity and the unigram entropy, and writes a sample", async () => {
    const dir = join(place.root, "eval");
    const { result, progress } = startStage(evaluateStage, dir, { evalTokens: 512, maxTokens: 40 }, inputs);
    const { counts, outputs } = await result;
    expect(counts.heldout_loss).toBeCloseTo(trained.counts.heldout_loss!, 5);
    expect(counts.perplexity).toBeCloseTo(Math.exp(counts.heldout_loss!), 9);
    expect(counts.unigram_entropy).toBeGreaterThan(counts.heldout_loss!);
    expect(progress.at(-1)!.done).toBe(progress.at(-1)!.total);
    expect(outputs.map(({ path }) => path.slice(dir.length + 1))).toEqual(["eval.json", "sample.txt"]);
    const { sample } = JSON.parse(readFileSync(join(dir, "eval.json"), "utf8"));
    expect(readFileSync(join(dir, "sample.txt"), "utf8")).toBe(`${sample.text}\n`);
    expect(sample.text.length).toBeGreaterThan(0);
  });

  test("is refused without a checkpoint, and without shards", async () => {
    const dir = join(place.root, "refused");
    await expect(startStage(evaluateStage, dir, {}, [place.manifest]).result).rejects.toMatchObject({
      code: "config-evaluate",
    });
    await expect(startStage(evaluateStage, dir, {}, inputs.slice(0, 2)).result).rejects.toMatchObject({
      code: "config-evaluate",
    });
  });

  test("ends at once when it is interrupted", async () => {
    const run = startStage(evaluateStage, join(place.root, "interrupted"), {}, inputs);
    run.abort.abort();
    await expect(run.result).rejects.toMatchObject({ code: "interrupted" });
    expect(existsSync(join(place.root, "interrupted", "eval.json"))).toBe(false);
  });
});

describe("generate", () => {
  test("continues a prompt, the same for the same seed, beyond the context length", async () => {
    const pieces: string[] = [];
    const options = { checkpoint: trainDir, prompt: "the mill ", maxTokens: 50, seed: 3 };
    const first = await generate({ ...options, onText: (piece) => pieces.push(piece) });
    expect(first).toMatchObject({ prompt: "the mill ", numTokens: 50, ended: false });
    expect(pieces.join("")).toBe(first.text);
    expect((await generate(options)).text).toBe(first.text);
    expect((await generate({ ...options, seed: 4 })).text).not.toBe(first.text);
  });

  test("greedy does not depend on the seed, and one best token is greedy", async () => {
    const options = { checkpoint: trainDir, prompt: "a river", maxTokens: 12 };
    const greedy = await generate({ ...options, greedy: true, seed: 1 });
    expect((await generate({ ...options, greedy: true, seed: 2 })).text).toBe(greedy.text);
    expect((await generate({ ...options, topK: 1, seed: 9 })).text).toBe(greedy.text);
  });

  test("gives ids of the tokenizer alone, where the model's vocabulary is larger", async () => {
    const state = JSON.parse(readFileSync(trained.outputs[1]!.path, "utf8"));
    const tokenizer = loadTokenizer(state.dataset.tokenizer.name);
    const [id] = tokenizer.encode("a");
    const best = (found: number): Float32Array => {
      const logits = new Float32Array(tokenizer.vocabSize + 100);
      logits[id!] = 1;
      logits[found] = 2;
      return logits;
    };
    const continued = async (found: number): Promise<string> => {
      const trainer = { logits: async () => best(found) };
      return (await generateWith(trainer, { dir: "", state }, { greedy: true, maxTokens: 3 })).text;
    };
    expect(await continued(tokenizer.vocabSize + 7)).toBe("aaa");
    expect(await continued(tokenizer.encode("b")[0]!)).toBe("bbb");
  });

  test("refuses settings without a meaning, and folders without a checkpoint", async () => {
    const checkpoint = trainDir;
    await expect(generate({ checkpoint, temperature: 0 })).rejects.toMatchObject({ code: "config-generate" });
    await expect(generate({ checkpoint, topP: 1.5 })).rejects.toMatchObject({ code: "config-generate" });
    await expect(generate({ checkpoint: place.shards })).rejects.toMatchObject({ code: "config-checkpoint" });
  });

  test("refuses a tokenizer other than the one of training", async () => {
    const dir = trained.outputs[1]!.path;
    const text = readFileSync(dir, "utf8");
    const { digest: _, ...state } = JSON.parse(text);
    const tokenizer = { ...state.dataset.tokenizer, fingerprint: "sha256:0" };
    const changed = { ...state, dataset: { ...state.dataset, tokenizer } };
    writeFileSync(dir, JSON.stringify({ ...changed, digest: digestJson(changed) }));
    await expect(generate({ checkpoint: dir })).rejects.toMatchObject({ code: "config-tokenizer" });
    writeFileSync(dir, text);
  });
});
