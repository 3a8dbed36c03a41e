// A small data set with a vocabulary of single bytes, a model that fits it, and the train stage run on both as a conductor
// would run it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestFile } from "#src/base/digest.js";
import type { FileRef, PhaseContext, Progress, Stage, TaskResult } from "#src/records/stage.js";
import { createTrainStage } from "#src/train/index.js";
import { makeShards } from "../shard/make-shards.js";
import { filesOf, LETTERS } from "../tokenizers/naive-bpe.js";

export interface Place {
  readonly root: string;
  readonly shards: string;
  readonly manifest: FileRef;
  remove(): void;
}

const END_OF_TEXT = "<|endoftext|>";

/** Sentences of a small grammar: enough to learn, nothing to know by heart. */
function sentence(number: number): string {
  const pick = <T>(list: readonly T[], salt: number): T => list[Math.imul(number + 1, salt) % list.length]!;
  const subjects = ["the mill", "a river", "the old wheel", "our miller", "the grain"];
  const verbs = ["turns", "waits for", "carries", "hears", "grinds"];
  return `${pick(subjects, 7919)} ${pick(verbs, 104729)} ${pick(subjects, 1299709)}.`;
}

export async function makePlace(): Promise<Place> {
  const root = mkdtempSync(join(tmpdir(), "millrace-train-"));
  const tokenizer = join(root, "tokenizer");
  mkdirSync(tokenizer);
  const vocab = Object.fromEntries([...LETTERS, END_OF_TEXT].map((letter, id) => [letter, id]));
  const files = filesOf({ vocab, merges: [] });
  writeFileSync(join(tokenizer, "vocab.json"), files.vocab);
  writeFileSync(join(tokenizer, "merges.txt"), files.merges);
  const documents = Array.from({ length: 60 }, (_, id) => ({
    id: `d${id}`,
    text: Array.from({ length: 8 }, (_, line) => sentence(8 * id + line)).join(" "),
  }));
  const shards = join(root, "shards");
  await makeShards(shards, [{ documents }], { tokenizer, heldout: 0.1 });
  const path = join(shards, "manifest.json");
  const manifest = { path, ...(await digestFile(path)) };
  return { root, shards, manifest, remove: () => rmSync(root, { recursive: true, force: true }) };
}

export const SMALL_MODEL = { numLayers: 2, hiddenSize: 32, numHeads: 4, contextLength: 32, vocabSize: 257 };

export const SMALL_TRAINING = {
  model: SMALL_MODEL,
  steps: 12,
  microBatch: 2,
  globalBatch: 4,
  learningRate: 3e-3,
  minLearningRate: 1e-4,
  warmupSteps: 2,
  checkpointEvery: 4,
  evalEvery: 5,
  evalTokens: 512,
  threads: 2,
};

/** The program that the conductor starts for training and evaluation. */
export const TRAINING_CHILD = new URL("../../../dist/run/training-child.js", import.meta.url);
export const trainStage = createTrainStage(TRAINING_CHILD);

export interface StageRun {
  readonly result: Promise<TaskResult>;
  readonly progress: Progress[];
  readonly abort: AbortController;
}

export function startStage<C>(stage: Stage<C>, dir: string, config: object, inputs: readonly FileRef[]): StageRun {
  const workDir = join(dir, ".work");
  mkdirSync(workDir, { recursive: true });
  const phase = stage.phases[0]!;
  if (phase.kind !== "process") throw new Error("expected a process phase");
  const progress: Progress[] = [];
  const abort = new AbortController();
  const context = {
    dir,
    workDir,
    config: stage.schema.parse(config),
    inputs,
    numWorkers: 1,
  } as unknown as PhaseContext<C>;
  return { result: phase.run(context, (one) => progress.push(one), abort.signal), progress, abort };
}

export function startTraining(place: Place, name: string, config: object = {}): StageRun & { dir: string } {
  const dir = join(place.root, name);
  return { dir, ...startStage(trainStage, dir, { ...SMALL_TRAINING, ...config }, [place.manifest]) };
}

/** What must be equal from run to run: times are not. */
export function curveOf(dir: string): unknown[] {
  const lines = readFileSync(join(dir, "metrics.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const { step, loss, grad_norm, lr, heldout_loss } = JSON.parse(line);
    return { step, loss, grad_norm, lr, heldout_loss };
  });
}
