// From a checkpoint to a folder that transformers opens as GPT2LMHeadModel: config.json, model.safetensors and, with the
// vocabulary files, its tokenizer. Moments and counters stay behind.
import { existsSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/atomic.js";
import { invalid } from "../../base/errors.js";
import { makeFolders } from "../../base/make-folders.js";
import { WEIGHTS_NAME as CHECKPOINT_WEIGHTS, type Checkpoint } from "../../formats/checkpoint.js";
import { SafetensorsFile, writeSafetensors } from "../../formats/safetensors.js";
import type { ModelConfig } from "../config.js";
import { CONFIG_NAME, configOfModel } from "./config.js";
import { requireFolder } from "./result-folder.js";
import { WEIGHTS_NAME } from "./source.js";
import { PREFIX, type TensorPair, tensorPairs, theirShape, transpose } from "./tensors.js";

export interface ExportOptions {
  /** Read whole and checked: readCheckpoint of formats. */
  readonly checkpoint: Checkpoint<{ readonly model: ModelConfig; readonly dropout?: number }>;
  /** Folder without a model. */
  readonly out: string;
  readonly tokenizer: {
    readonly endOfDocumentId: number;
    /** Paths of vocab.json and merges.txt, whatever they are called. */
    readonly vocabFile: string;
    readonly mergesFile: string;
  };
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Throws `config-out` where a model lies already: it may be the one that was imported. */
export function checkExport(out: string): void {
  requireFolder(out);
  const there = [WEIGHTS_NAME, CONFIG_NAME].map((name) => join(out, name)).find((path) => existsSync(path));
  if (there === undefined) return;
  throw invalid("config-out", `expected a folder without a model for the result, got ${out} with ${there}`, {
    hint: "name another folder, or remove that model",
  });
}

/** Names of the files written. Throws as `checkExport` does. */
export async function exportHuggingFace(options: ExportOptions): Promise<string[]> {
  const { checkpoint, out, tokenizer } = options;
  const { model, dropout = 0 } = checkpoint.state.training;
  checkExport(out);
  await makeFolders(out);
  await writeWeights(options, tensorPairs(model));
  await copyFile(tokenizer.vocabFile, join(out, "vocab.json"));
  await copyFile(tokenizer.mergesFile, join(out, "merges.txt"));
  const texts: Record<string, unknown> = {
    "tokenizer_config.json": { model_max_length: model.contextLength, tokenizer_class: "GPT2Tokenizer" },
    // Last: a folder with a configuration is complete.
    [CONFIG_NAME]: configOfModel(model, dropout, tokenizer.endOfDocumentId),
  };
  for (const [name, value] of Object.entries(texts)) {
    await writeFileAtomic(join(out, name), `${JSON.stringify(value, null, 2)}\n`);
  }
  return [WEIGHTS_NAME, "vocab.json", "merges.txt", ...Object.keys(texts)];
}

async function writeWeights(options: ExportOptions, pairs: readonly TensorPair[]): Promise<void> {
  const source = await SafetensorsFile.open(join(options.checkpoint.dir, CHECKPOINT_WEIGHTS));
  let done = 0;
  const valuesOf = async ({ ours, shape, transposed }: TensorPair): Promise<Float32Array> => {
    const values = await source.readFloats(`parameter.${ours}`);
    done += 1;
    options.onProgress?.(done, pairs.length);
    const [rows, columns] = shape;
    return transposed ? transpose(values, rows!, columns!) : values;
  };
  try {
    const tensors = pairs.map((pair) => ({
      name: PREFIX + pair.theirs,
      shape: theirShape(pair),
      values: () => valuesOf(pair),
    }));
    // transformers refuses a file that does not say which framework's layout it has.
    await writeSafetensors(join(options.out, WEIGHTS_NAME), tensors, { format: "pt" });
  } finally {
    await source.close();
  }
}
