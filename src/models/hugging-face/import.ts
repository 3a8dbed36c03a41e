// From a Hugging Face GPT2LMHeadModel to a checkpoint of step 0: the parameters, no moments yet. Its bytes are written by the
// trainer, as those of every checkpoint; one tensor at a time passes through here.
import { basename } from "node:path";
import { digestFile } from "../../base/digest.js";
import { invalid } from "../../base/errors.js";
import { type Checkpoint, type CheckpointState, listCheckpoints, writeCheckpoint } from "../../formats/checkpoint.js";
import type { ModelConfig } from "../config.js";
import { createInference } from "../inference.js";
import { requireFolder } from "./result-folder.js";
import { HuggingFaceSource } from "./source.js";

export interface ImportOptions {
  /** Folder with config.json and model.safetensors. */
  readonly from: string;
  /** Gets the folder step-00000000. */
  readonly out: string;
  /** What the model's ids mean. */
  readonly tokenizer: { readonly name: string; readonly fingerprint: string; readonly vocabSize: number };
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** What is known of the training of a model from elsewhere. */
export interface ImportedTraining {
  readonly model: ModelConfig;
  readonly sequenceLength: number;
}

/** What can be said before a weight is read: throws `config-import` or `config-out`, and writes nothing. */
export async function checkImport(options: ImportOptions): Promise<ModelConfig> {
  const source = await HuggingFaceSource.open(options.from);
  try {
    await check(source.model, options);
    return source.model;
  } finally {
    await source.close();
  }
}

/** Throws as `checkImport` does, before anything is written. */
export async function importHuggingFace(options: ImportOptions): Promise<Checkpoint<ImportedTraining>> {
  const source = await HuggingFaceSource.open(options.from);
  try {
    await check(source.model, options);
    return await write(source, options);
  } finally {
    await source.close();
  }
}

async function check({ vocabSize }: ModelConfig, { from, out, tokenizer }: ImportOptions): Promise<void> {
  if (tokenizer.vocabSize > vocabSize) {
    throw invalid(
      "config-import",
      `expected at most ${vocabSize} ids for the tokenizer ${tokenizer.name}, got ${tokenizer.vocabSize}`,
      { where: { file: from }, hint: "--tokenizer names the one that the model was trained with" },
    );
  }
  requireFolder(out);
  const there = (await listCheckpoints(out)).at(-1);
  if (there === undefined) return;
  throw invalid("config-out", `expected a folder without checkpoints for the result, got ${out} with ${there}`, {
    hint: "name another folder",
  });
}

async function write(source: HuggingFaceSource, options: ImportOptions): Promise<Checkpoint<ImportedTraining>> {
  const { model, pairs } = source;
  const state: Omit<CheckpointState<ImportedTraining>, "weights"> = {
    step: 0,
    nextSample: 0,
    dataset: { identity: "none", orderVersion: 0, ...datasetOf(options) },
    training: { model, sequenceLength: model.contextLength },
    imported: { format: "hugging-face", files: await describe(source.weightFiles) },
  };
  const trainer = createInference(model, { sequenceLength: 1, batch: 1, threads: 0 });
  try {
    let done = 0;
    for (const pair of pairs) {
      trainer.writeParameter(pair.ours, await source.read(pair));
      done += 1;
      options.onProgress?.(done, pairs.length);
    }
    return await writeCheckpoint(options.out, state, (path) => trainer.save(path));
  } finally {
    trainer.destroy();
  }
}

function datasetOf({ tokenizer: { name, fingerprint, vocabSize } }: ImportOptions) {
  return { tokenizer: { name, fingerprint }, vocabSize };
}

async function describe(paths: readonly string[]): Promise<{ name: string; sizeBytes: number; digest: string }[]> {
  const files = [];
  for (const path of paths) files.push({ name: basename(path), ...(await digestFile(path)) });
  return files;
}
