// Parameters to start training from, instead of random ones: those of a model that was imported.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { invalid } from "../base/errors.js";
import { describeDifferences, readState, STATE_NAME, WEIGHTS_NAME } from "../formats/checkpoint.js";
import type { ModelConfig } from "../models/index.js";
import type { DatasetIdentity } from "../records/batch.js";

/** An imported model has taken no step. */
const IMPORTED_NAME = "step-00000000";

export interface InitialWeights {
  /** Absolute path of model.safetensors. */
  readonly path: string;
  /** Of its bytes: with it the curve is decided. */
  readonly digest: string;
  /** What its ids mean. */
  readonly tokenizer: { readonly name: string; readonly fingerprint: string };
}

/** The checkpoint that `init` means: its folder, or the one that import was told to write it to. */
function folderOf(init: string): string {
  const dir = resolve(init);
  return existsSync(join(dir, STATE_NAME)) ? dir : join(dir, IMPORTED_NAME);
}

/** The file that tells one `init` from another. */
export function initFile(init: string): string {
  return join(folderOf(init), STATE_NAME);
}

/** Reads no weights. Throws `config-train` when there is no such model, it has other sizes, or it was trained here. */
export async function resolveInit(init: string, model: ModelConfig): Promise<InitialWeights> {
  const dir = folderOf(init);
  const { step, dataset, training, weights } = await readState<{ readonly model: ModelConfig }>(dir).catch(
    (cause: Error) => {
      throw invalid(
        "config-train",
        `expected the folder of an imported model for init, got ${init}: ${cause.message}`,
        {
          hint: "millrace import hf makes one",
          cause,
        },
      );
    },
  );
  if (step > 0) {
    throw invalid("config-train", `expected an imported model for init, got ${init}, a checkpoint of step ${step}`, {
      hint: "a run goes on by the command that began it; for another run, export that checkpoint and import it",
    });
  }
  const differences = describeDifferences(training.model, model);
  if (differences.length > 0) {
    throw invalid("config-train", `expected the sizes of ${init} for model, got ${differences.join("; ")}`);
  }
  return { path: join(dir, WEIGHTS_NAME), digest: weights.digest, tokenizer: dataset.tokenizer };
}

/** Ids that mean something else would be trained as if they did not. */
export function checkInitTokenizer({ path, tokenizer }: InitialWeights, dataset: DatasetIdentity): void {
  if (tokenizer.fingerprint === dataset.tokenizer.fingerprint) return;
  throw invalid(
    "config-train",
    `expected shards made with the tokenizer of ${path} (${tokenizer.name}) for init, got ${dataset.tokenizer.name}`,
  );
}
